//! Who may call whom, out of everything that is known of the cluster: the tickets and the NetworkPolicies of one declaration.
//!
//! | module | what |
//! |---|---|
//! | [`rendered`] | the result, and what each object is told |

pub mod rendered;

use crate::index::Index;
use crate::render::access::rendered::Rendered;

/// Renders the accesses of the cluster: all of them anew, from facts alone.
#[must_use]
pub fn render(_index: &Index) -> Rendered {
    Rendered::default()
}
