"""Names of the images that tests run."""

STANDIN = "deploy-agent-standin:latest"
# This image's gateway answers after some seconds.
SLOW_START = "deploy-agent-standin:slow-start"
# This image's gateway never answers.
SILENT = "deploy-agent-standin:silent"
