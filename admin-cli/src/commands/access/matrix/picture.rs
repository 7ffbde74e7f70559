//! The graph as text, and in the languages of other programs. Names come from objects that others write, so each form escapes what
//! its language would read as anything but a name.

use crate::commands::access::matrix::graph::{Edge, Graph};
use crate::output::{plain, plain_lines};
use crate::table::text_table;
use kennel_wire::admin::ServerMode;
use std::fmt::Write;

/// Widest table that has the servers as columns.
const WIDEST: usize = 120;
/// Side of a cell, and width of a letter, in the units of SVG.
const CELL: usize = 22;
const LETTER: usize = 8;

/// A table of clients and servers; a list where the table would be too wide.
pub(super) fn table(graph: &Graph) -> String {
    let longest = graph.clients.iter().map(|client| client.chars().count()).max().unwrap_or_default();
    let width = graph.servers.iter().map(|server| server.name.chars().count() + 2).sum::<usize>() + longest;
    let observed: Vec<&str> = observed(graph).collect();
    let text = if width <= WIDEST && !graph.servers.is_empty() { grid(graph) } else { list(graph) };
    let note = match &observed[..] {
        [] => String::new(),
        [one] => format!("Everybody reaches {one} as well: its mode is Observe.\n"),
        several => format!("Everybody reaches {} as well: their mode is Observe.\n", several.join(", ")),
    };
    plain_lines(&(text + &note))
}

fn grid(graph: &Graph) -> String {
    let servers = || graph.servers.iter().map(|server| server.name.clone());
    let heads: Vec<String> = std::iter::once("CLIENT".to_owned()).chain(servers()).collect();
    let row = |client: &String| {
        let cells = servers().map(|server| graph.edge(client, &server).map_or_else(|| ".".to_owned(), mark));
        std::iter::once(client.clone()).chain(cells).collect::<Vec<_>>()
    };
    text_table(&heads, graph.clients.iter().map(row))
}

/// `yes`, or what bounds it.
fn mark(edge: &Edge) -> String {
    let bounds = edge.bounds();
    if bounds.is_empty() { "yes".to_owned() } else { bounds }
}

fn list(graph: &Graph) -> String {
    let row = |edge: &Edge| {
        let accesses = edge.accesses.iter().cloned().collect::<Vec<_>>().join(", ");
        [edge.client.clone(), edge.server.clone(), mark(edge), accesses]
    };
    text_table(&["CLIENT", "SERVER", "MAY CALL", "BY"], graph.edges.iter().map(row))
}

fn observed(graph: &Graph) -> impl Iterator<Item = &str> {
    graph.servers.iter().filter(|server| server.mode == ServerMode::Observe).map(|server| &*server.name)
}

/// The language of Graphviz.
pub(super) fn dot(graph: &Graph) -> String {
    let quoted = |text: &str| format!("\"{}\"", plain(text).replace('\\', "\\\\").replace('"', "\\\""));
    let mut out = "digraph access {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for server in &graph.servers {
        let style = if server.mode == ServerMode::Observe { " [style=dashed, xlabel=\"Observe\"]" } else { "" };
        _ = writeln!(out, "  {}{style};", quoted(&server.name));
    }
    for edge in &graph.edges {
        let label = edge.bounds();
        let label = if label.is_empty() { String::new() } else { format!(" [label={}]", quoted(&label)) };
        _ = writeln!(out, "  {} -> {}{label};", quoted(&edge.client), quoted(&edge.server));
    }
    out + "}\n"
}

/// The language of Mermaid, which Markdown pages show as a picture.
pub(super) fn mermaid(graph: &Graph) -> String {
    let mut out = "flowchart LR\n".to_owned();
    let mut names: Vec<&str> = graph.servers.iter().map(|server| &*server.name).collect();
    names.extend(graph.clients.iter().map(String::as_str));
    names.sort_unstable();
    names.dedup();
    for (number, name) in names.iter().enumerate() {
        _ = writeln!(out, "  n{number}[\"{}\"]", html(name));
    }
    let number = |name: &str| names.binary_search(&name).unwrap_or_default();
    for edge in &graph.edges {
        let label = edge.bounds();
        let label = if label.is_empty() { String::new() } else { format!("|\"{}\"|", html(&label)) };
        _ = writeln!(out, "  n{} -->{label} n{}", number(&edge.client), number(&edge.server));
    }
    for server in observed(graph) {
        _ = writeln!(out, "  style n{} stroke-dasharray: 4", number(server));
    }
    out
}

/// A grid: clients are rows, servers columns.
pub(super) fn svg(graph: &Graph) -> String {
    let longest =
        |names: &mut dyn Iterator<Item = &str>| names.map(|name| name.chars().count()).max().unwrap_or_default();
    let left = longest(&mut graph.clients.iter().map(String::as_str)) * LETTER + CELL;
    let top = longest(&mut graph.servers.iter().map(|server| &*server.name)) * LETTER + CELL;
    let (width, height) = (left + (graph.servers.len() + 1) * CELL, top + (graph.clients.len() + 1) * CELL);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"monospace\" \
         font-size=\"13\">\n<title>Who may reach whom in {}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        html(&graph.realm)
    );
    for (column, server) in graph.servers.iter().enumerate() {
        let (x, y) = (left + column * CELL + CELL / 2 + 4, top - 8);
        let name = html(&server.name);
        let mode = if server.mode == ServerMode::Observe { " font-style=\"italic\"" } else { "" };
        _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\" transform=\"rotate(-90 {x} {y})\"{mode}>{name}</text>");
    }
    for (row, client) in graph.clients.iter().enumerate() {
        let y = top + row * CELL;
        _ = writeln!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", left - 8, y + 15, html(client));
        for (column, server) in graph.servers.iter().enumerate() {
            let x = left + column * CELL;
            let (fill, title) = match graph.edge(client, &server.name) {
                Some(edge) => ("#2a7d46", format!("{client} may call {}: {}", server.name, mark(edge))),
                None if server.mode == ServerMode::Observe => ("#f2c94c", format!("{} observes", server.name)),
                None => ("#eeeeee", format!("{client} may not call {}", server.name)),
            };
            _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{0}\" height=\"{0}\" fill=\"{fill}\"><title>{1}</title></rect>",
                CELL - 2,
                html(&title)
            );
        }
    }
    out + "</svg>\n"
}

/// For HTML and XML, with the quotes that attributes and Mermaid's labels end at.
fn html(text: &str) -> String {
    let text = plain(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('#', "&#35;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::access::matrix::graph::GraphServer;
    use crate::commands::access::matrix::graph::tests::shop;

    #[test]
    fn a_table_has_clients_as_rows_and_servers_as_columns() {
        let said = "CLIENT           kafka.shop  web.shop\nalice@CORP       .           HTTP\n\
                    cart.shop        .           HTTP, host, until 2027-01-01T00:00:00Z\nnamespace batch  .           yes\n\
                    realm R          yes         .\n\nEverybody reaches kafka.shop as well: its mode is Observe.\n";
        assert_eq!(table(&shop()), said);
    }

    #[test]
    fn more_servers_than_fit_make_a_list() {
        let mut graph = shop();
        let more = (0..20).map(|n| GraphServer { name: format!("server-{n}.shop"), mode: ServerMode::Enforce });
        graph.servers.extend(more);
        let list = table(&graph);
        assert!(list.starts_with("CLIENT") && list.contains("namespace batch  web.shop    yes"), "{list}");
        graph.edges.clear();
        assert!(table(&graph).contains("(none)"));
    }

    #[test]
    fn graphs_have_every_edge_and_escape_names() {
        let mut graph = shop();
        let dot_text = dot(&graph);
        assert!(dot_text.contains("\"kafka.shop\" [style=dashed"), "{dot_text}");
        assert!(dot_text.contains("  \"alice@CORP\" -> \"web.shop\" [label=\"HTTP\"];"), "{dot_text}");
        let text = mermaid(&graph);
        assert!(text.contains("n0[\"alice@CORP\"]") && text.contains("n0 -->|\"HTTP\"| n5"), "{text}");
        let evil = "a\"]\n<script>#";
        graph.edges[1].client = evil.to_owned();
        graph.clients[0] = evil.to_owned();
        assert!(dot(&graph).contains(r#""a\"]\\n<script>#""#), "{}", dot(&graph));
        for text in [mermaid(&graph), svg(&graph)] {
            assert!(text.contains("a&quot;]\\n&lt;script&gt;&#35;") && !text.contains("<script>"), "{text}");
        }
    }

    #[test]
    fn a_picture_has_a_cell_for_each_client_and_server() {
        let picture = svg(&shop());
        assert_eq!(picture.matches("<rect x=").count(), 8);
        assert_eq!((picture.matches("#2a7d46").count(), picture.matches("#f2c94c").count()), (4, 3));
        assert!(picture.contains("<title>cart.shop may not call") || picture.contains("kafka.shop observes"));
    }
}
