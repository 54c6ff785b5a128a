"""The command line. It offers the page's and the API's use cases to people and scripts here."""
