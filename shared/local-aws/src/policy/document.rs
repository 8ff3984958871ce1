//! A policy document.

use super::json::Node;
use super::statement::Statement;

/// A policy that was read and found well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    statements: Vec<Statement>,
}

impl Document {
    /// Reads a policy. Limits of size are the service's that stores it.
    ///
    /// # Errors
    /// Why the policy is malformed, in S3's words where they are known. S3 answers it as `MalformedPolicy`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let statements = statements(text)?.into_iter().map(Statement::parse).collect::<Result<Vec<_>, _>>()?;
        check_sids(&statements)?;
        Ok(Self { statements })
    }

    /// Reads an identity policy. It speaks of whoever holds it: a statement names no principal, and its id is
    /// of letters and digits.
    ///
    /// # Errors
    /// Why the policy is malformed, in IAM's words where they are known. IAM answers it as
    /// `MalformedPolicyDocument`.
    pub fn parse_identity(text: &str) -> Result<Self, String> {
        let statements = statements(text)?.into_iter().map(Statement::parse_identity).collect::<Result<Vec<_>, _>>()?;
        check_sids(&statements)?;
        let sids = statements.iter().filter_map(|statement| statement.sid.as_ref());
        if sids.flat_map(|sid| sid.chars()).any(|c| !c.is_ascii_alphanumeric()) {
            return Err("Statement IDs (SID) must be alpha-numeric.".to_owned());
        }
        Ok(Self { statements })
    }

    /// The statements in their order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Whether S3 calls the policy public: some statement allows something to callers who are not fixed
    /// (S3 user guide, "The meaning of 'public'").
    pub fn is_public(&self) -> bool {
        self.statements.iter().any(super::public::is_public)
    }
}

/// The statements of a policy as they are written, once all around them is right.
fn statements(text: &str) -> Result<Vec<Node>, String> {
    let root: Node = serde_json::from_str(text)
        .map_err(|error| format!("Policies must be valid JSON and the first byte must be '{{': {error}"))?;
    let mut statements = None;
    for (key, value) in root.into_fields()? {
        match key.as_str() {
            "Version" => check_version(&value.into_text()?)?,
            "Id" => drop(value.into_text()?),
            "Statement" => statements = Some(value.into_list()),
            _ => return Err(format!("Unknown field {key}")),
        }
    }
    let statements = statements.ok_or("Missing required field Statement")?;
    if statements.is_empty() {
        return Err("Could not parse the policy: Statement is empty!".to_owned());
    }
    Ok(statements)
}

/// Without a version, a policy is of the older language. The two differ in policy variables only, and those
/// are refused.
fn check_version(version: &str) -> Result<(), String> {
    match version {
        "2012-10-17" | "2008-10-17" => Ok(()),
        _ => Err("The policy must contain a valid version string".to_owned()),
    }
}

fn check_sids(statements: &[Statement]) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    if statements.iter().filter_map(|statement| statement.sid.as_ref()).all(|sid| seen.insert(sid)) {
        Ok(())
    } else {
        Err("Statement IDs (SID) in a single policy must be unique.".to_owned())
    }
}
