"""Settings from a JSON file, set as names of this module."""

import json
import pathlib

_file = pathlib.Path(__file__).with_name("from_json.json")
with open(_file) as stream:
    settings = json.load(stream)

globals().update(settings)
