//! The columns of a CSV file of associations.

/// The columns of an association, in the order of its parts.
pub(crate) const COLUMNS: [&str; 4] = ["partner_client_id", "to_object_type", "to_object_id", "association_type"];

/// A column's name as it is compared: letters and digits alone, so that `Partner Client ID`, `partnerClientId` and
/// `partner-client-id` are one name, whatever invisible characters stand in it.
pub(super) fn name(header: &[u8]) -> String {
    String::from_utf8_lossy(header).chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
