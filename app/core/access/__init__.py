"""Who gets into a gateway: devices and pairing, its page, its provider's answer."""
