"""Parts of the Patient page, one file each; a page joins them."""
