"""The three ways cordtrack refuses, each naming who must act.

A message says where, what was expected, what came and what to do. Errors are caught at two borders only:
the command line, and the per-visit loop, which records a visible failure and goes on.
"""


class CordtrackError(Exception):
    """Anything cordtrack refuses on purpose; never raised itself."""


class InputError(CordtrackError):
    """The study folder or a file in it must be corrected by whoever prepared it."""


class SettingsError(CordtrackError):
    """A command-line argument, a criteria file or another setting must be corrected by the user."""


class StoreError(CordtrackError):
    """The output folder cannot be read or written as it is; its owner must act."""


class RemoteError(CordtrackError):
    """Another machine does not answer as it should; whoever runs it or the network between must act."""
