"""Files of facts, for those who run without the real sources: CSV or JSON, read and taken in.

Why: one strict reader for all. A cell of a CSV file becomes the member of JSON that it stands for,
and `fact_json` decides whether it is a fact.
"""
