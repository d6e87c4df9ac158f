"""Models of authenticators as people see them: a name and a picture to recognise, never to trust.

Begin with `names`. `pictures` and `svg` decide which bytes of others may be shown: a raster that is
what it claims to be, or an SVG document written anew from elements that only draw.
"""
