"""A site's own examples: read, checked, and turned into tokens. Nothing here leaves the site."""

from fednode.data.columns import Columns
from fednode.data.read import read_rows
from fednode.data.report import DataReport, check_data
from fednode.data.rows import DataError, Problem, Row, Table
from fednode.data.table import load_data

__all__ = ["Columns", "DataError", "DataReport", "Problem", "Row", "Table", "check_data", "load_data", "read_rows"]
