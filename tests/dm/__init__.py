"""OMA DM messages for the tests: an independent validator, WBXML by other people's tools, and a corpus."""
