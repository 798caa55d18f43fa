"""What the forms of the page Study are called, each with the table that it changes; of visits every patient has one."""

TABS = {
    "People": "participants.tsv",
    "Visits": "",
    "Treatments": "treatments.tsv",
    "Function": "function.tsv",
    "Neuraxis": "neuraxis.tsv",
}
