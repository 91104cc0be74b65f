"""One child across returns."""
