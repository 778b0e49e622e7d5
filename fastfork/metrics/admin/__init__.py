"""The pages that are answered at `admin_bind`.

Runs in: worker
"""
