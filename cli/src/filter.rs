//! The filters of a search, as they are typed.

use hubspot_partner_clients::{Filter, filter};

/// Reads `NAME OPERATOR VALUE`, with or without spaces. The first operator counts, so a value may hold others.
pub(super) fn parse(text: &str) -> Result<Filter, String> {
    let wrong = || format!("{text:?} is not NAME=VALUE, or one of != < <= > >= ~ in place of =");
    let at = text.find(['=', '!', '<', '>', '~']).ok_or_else(wrong)?;
    let (name, rest) = text.split_at(at);
    let (operator, value) = ["!=", "<=", ">=", "=", "<", ">", "~"]
        .iter()
        .find_map(|operator| Some((*operator, rest.strip_prefix(operator)?.trim())))
        .ok_or_else(wrong)?;
    let name = name.trim();
    if name.is_empty() || value.is_empty() || value.starts_with('=') {
        return Err(wrong());
    }
    let property = filter(name);
    Ok(match operator {
        "!=" => property.neq(value),
        "<=" => property.lte(value),
        ">=" => property.gte(value),
        "<" => property.lt(value),
        ">" => property.gt(value),
        "~" => property.contains_token(value),
        _ => property.eq(value),
    })
}
