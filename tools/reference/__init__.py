"""What writes docs/reference: a module a page, made from the tables in the code.

`python -m tools.reference` (make docs-reference) writes all pages.  None of this is in the wheel.
"""
