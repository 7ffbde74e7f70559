//! deploy/components/monitoring: the rules by promtool, each alert both ways; the dashboard as a file; the component in an
//! overlay; and all of it against a KDC that runs, where `KENNEL_METRICS` names one (`tests/monitoring/test HOST:PORT`).
//! What inspection.py looks at stands there. The stage `deploy` scrapes a KDC in a cluster.

mod component;
mod dashboard;
mod rules;
mod scrape;
