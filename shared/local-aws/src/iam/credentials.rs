//! Credentials beside access keys and passwords: signing certificates, SSH keys, service-specific credentials and MFA
//! devices. They cannot be made through the API here; a test puts them into the state.

use serde::{Deserialize, Serialize};

use super::input::{required, user_name_or_own};
use super::{done, no_such_entity, reply};
use crate::clock::Timestamp;
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;
use crate::xml::Xml;

/// A credential of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherCredential {
    /// Which kind.
    pub kind: CredentialKind,
    /// The id: `CertificateId`, `SSHPublicKeyId`, `ServiceSpecificCredentialId` or `SerialNumber`.
    pub id: String,
}

/// The kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are IAM's")]
pub enum CredentialKind {
    SigningCertificate,
    SshPublicKey,
    ServiceSpecificCredential,
    MfaDevice,
}

impl CredentialKind {
    /// The kind that an operation is about.
    fn of(operation: &str) -> Self {
        match operation {
            "ListSigningCertificates" | "DeleteSigningCertificate" => Self::SigningCertificate,
            "ListSSHPublicKeys" | "DeleteSSHPublicKey" => Self::SshPublicKey,
            "ListServiceSpecificCredentials" | "DeleteServiceSpecificCredential" => Self::ServiceSpecificCredential,
            _ => Self::MfaDevice,
        }
    }

    /// The list's name, and the name of the parameter and the element that has the id.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::SigningCertificate => ("Certificates", "CertificateId"),
            Self::SshPublicKey => ("SSHPublicKeys", "SSHPublicKeyId"),
            Self::ServiceSpecificCredential => ("ServiceSpecificCredentials", "ServiceSpecificCredentialId"),
            Self::MfaDevice => ("MFADevices", "SerialNumber"),
        }
    }
}

pub(super) fn list(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    let (name, now) = (user_name_or_own(call, form)?, call.now);
    let user = call.account().iam.user(&name)?;
    let kind = CredentialKind::of(operation);
    let (list, _) = kind.names();
    let found: Vec<&OtherCredential> = user.credentials.iter().filter(|credential| credential.kind == kind).collect();
    reply(operation, |xml| {
        xml.element(list, |xml| {
            for credential in &found {
                xml.element("member", |xml| write(xml, &user.name, credential, now));
            }
        });
        xml.text("IsTruncated", "false");
    })
}

pub(super) fn delete(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    let kind = CredentialKind::of(operation);
    let (_, parameter) = kind.names();
    let (name, id) = (user_name_or_own(call, form)?, required(form, parameter)?);
    let credentials = &mut call.account().iam.user(&name)?.credentials;
    let position = credentials.iter().position(|credential| credential.kind == kind && credential.id == id);
    credentials.remove(position.ok_or_else(|| no_such_entity(parameter, id))?);
    done(operation)
}

/// What the lists' members must have (API reference).
fn write(xml: &mut Xml, user_name: &str, credential: &OtherCredential, now: Timestamp) {
    let (_, element) = credential.kind.names();
    xml.text("UserName", user_name);
    xml.text(element, &credential.id);
    match credential.kind {
        CredentialKind::SigningCertificate => {
            xml.text("CertificateBody", "-----BEGIN CERTIFICATE-----");
            xml.text("Status", "Active");
        }
        CredentialKind::SshPublicKey => {
            xml.text("Status", "Active");
            xml.text("UploadDate", now.iso8601());
        }
        CredentialKind::ServiceSpecificCredential => {
            xml.text("Status", "Active");
            xml.text("CreateDate", now.iso8601());
            xml.text("ServiceName", "codecommit.amazonaws.com");
        }
        CredentialKind::MfaDevice => xml.text("EnableDate", now.iso8601()),
    }
}
