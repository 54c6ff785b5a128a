"""Names of the images that tests run."""

STANDIN = "deploy-agent-standin:latest"
# Its gateway answers after some seconds.
SLOW_START = "deploy-agent-standin:slow-start"
# Its gateway never answers.
SILENT = "deploy-agent-standin:silent"
