"""Embedded twins: the authentic sources in our own database, for operators without the real ones.

Filled from files: the national register from CSV (`register_csv`, `register_import`), the other
sources from CSV or JSON (`fact_files`, `fact_import`). An import changes a source in one moment.

Begin with `register` and `facts`, which answer the questions.

Why: there is one strict reader of facts. A cell of a CSV file becomes a member of JSON, and
`fact_json` decides whether the whole is a fact.
"""
