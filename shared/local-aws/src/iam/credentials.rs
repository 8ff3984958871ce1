//! The credentials that cannot be made here: their lists are empty for every user who exists.

use super::input::user_name_or_own;
use super::reply;
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;

pub(super) fn list(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    let name = user_name_or_own(call, form)?;
    call.account().iam.user(&name)?;
    let list = match operation {
        "ListSigningCertificates" => "Certificates",
        "ListSSHPublicKeys" => "SSHPublicKeys",
        "ListServiceSpecificCredentials" => "ServiceSpecificCredentials",
        _ => "MFADevices",
    };
    reply(operation, |xml| {
        xml.element(list, |_| {});
        xml.text("IsTruncated", "false");
    })
}
