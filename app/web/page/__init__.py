"""The parts that all pages share: templates, times, theme, assets, the event stream."""
