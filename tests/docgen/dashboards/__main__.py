"""Write deploy/grafana/*.json, the dashboards of cmbot's metrics: `python -m tests.docgen.dashboards`.

They are built with the models of grafana-foundation-sdk, so they have no field that Grafana does not know.
"""

import json
from itertools import count
from pathlib import Path

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as queries

from tests.docgen.dashboards.clusters import CLUSTERS, ONE
from tests.docgen.dashboards.graphs import Graph, Page, Query
from tests.docgen.dashboards.itself import ITSELF

FOLDER = Path("deploy/grafana")
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
PAGES = (CLUSTERS, ONE, ITSELF)


def _target(query: Query, letter: str, *, now: bool, rows: bool) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(query.expression).legend_format(query.legend).ref_id(letter).datasource(SOURCE)
    if rows:
        made = made.format(queries.PromQueryFormat.TABLE)
    return made.instant() if now else made.range()


def _panel(graph: Graph) -> stat.Panel | table.Panel | timeseries.Panel:
    panel: stat.Panel | table.Panel | timeseries.Panel
    if graph.rows:
        panel = table.Panel().show_header(show_header=True)
    elif graph.now:
        panel = (
            stat.Panel()
            .color_mode(common.BigValueColorMode.BACKGROUND)
            .graph_mode(common.BigValueGraphMode.NONE)
            .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
            .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        )
    else:
        legend = common_builders.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
        panel = (
            timeseries.Panel()
            .fill_opacity(10)
            .show_points(common.VisibilityMode.NEVER)
            .legend(legend.placement(common.LegendPlacement.BOTTOM).show_legend(show_legend=True).calcs([]))
            .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
        )
        if graph.stacked:
            panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    panel = panel.title(graph.title).datasource(SOURCE).unit(graph.unit).span(graph.width).height(graph.height)
    if graph.about:
        panel.description(graph.about)
    if graph.steps:
        steps = [models.Threshold(value=value, color=colour) for value, colour in graph.steps]
        panel.thresholds(builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    if graph.names:
        texts: dict[str, models.ValueMappingResult] = {
            value: models.ValueMappingResult(text=text, index=place)
            for place, (value, text) in enumerate(graph.names.items())
        }
        panel.mappings([models.ValueMap(options=texts)])
    for place, query in enumerate(graph.queries):
        panel.with_target(_target(query, chr(ord("A") + place), now=graph.now, rows=graph.rows))
    return panel


def build(page: Page) -> models.Dashboard:
    """Build one dashboard."""
    made = (
        builders.Dashboard(page.title)
        .uid(page.name)
        .description(page.about)
        .tags(["cmbot", "cubefs", "blobstore"])
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(builders.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for name, question, several in page.variables:
        variable = (
            builders.QueryVariable(name)
            .datasource(SOURCE)
            .query(question)
            .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(models.VariableSort.ALPHABETICAL_ASC)
        )
        if several:
            variable = variable.multi(multi=True).include_all(include_all=True).all_value(".*")
        made = made.with_variable(variable)
    numbers = count(1)
    for title, graphs in page.rows.items():
        made = made.with_row(builders.Row(title).id(next(numbers)))
        for graph in graphs:
            made = made.with_panel(_panel(graph).id(next(numbers)))
    return made.build()


def render(page: Page) -> str:
    """Render the file of one dashboard."""
    return json.dumps(build(page), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def path_of(page: Page) -> Path:
    """The file of one dashboard."""
    return FOLDER / f"{page.name}.json"


def main() -> None:
    """Write the files."""
    for page in PAGES:
        path_of(page).write_text(render(page), encoding="utf-8")


if __name__ == "__main__":
    main()
