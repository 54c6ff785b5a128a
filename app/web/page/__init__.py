"""What every page shares: templates, times, theme, assets, the event stream."""
