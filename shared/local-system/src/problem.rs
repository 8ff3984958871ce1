//! Why a local system cannot be made, or did not do what was asked.

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A folder does not have the functions' binaries.
    #[error("{0}")]
    Binaries(String),
    /// The options contradict each other, the AWS underneath refused something, or the system does not come to rest.
    #[error("{0}")]
    Failed(String),
}
