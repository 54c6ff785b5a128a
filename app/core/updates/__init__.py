"""An update to another image: its journal, and images as values."""
