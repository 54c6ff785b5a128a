"""The use cases, one verb a file. The page, the API and the operations all call them."""
