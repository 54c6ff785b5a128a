"""What people do with deployments, one verb a file; page, API and operations all call these."""
