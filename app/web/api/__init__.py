"""The frame of the JSON API: how calls are declared, validated, described and shown."""
