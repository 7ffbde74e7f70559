//! The servers that a reader of decisions may see.

/// The servers that a reader may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecisionScope {
    /// Those of one namespace.
    Namespace(String),
    /// All, and those that belong to no namespace.
    All,
}
