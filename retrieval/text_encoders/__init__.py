"""Encoders of a page's text: channels besides the vectors of the page."""
