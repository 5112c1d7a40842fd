"""Self-contained HTML reports: charts drawn as SVG, one page without anything from outside. Knows no chain."""

from ballast.report.charts import Area, Bar, Line, Mark, area_chart, bar_chart, line_chart
from ballast.report.page import render

__all__ = ["Area", "Bar", "Line", "Mark", "area_chart", "bar_chart", "line_chart", "render"]
