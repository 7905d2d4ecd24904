//! Filters of a search.

use crate::{
    error::{Error, Result},
    generated::types,
    partner_clients::{property_value::PropertyValue, selection::check_property},
};

/// Starts a filter on a property, by its internal name; a method of [`FilterOn`] completes it.
///
/// ```
/// use hubspot_partner_clients::filter;
///
/// let filter = filter("employees").between(10, 250);
/// ```
pub fn filter(property: impl Into<String>) -> FilterOn {
    FilterOn { property: property.into() }
}

/// A property to filter by; a method completes the [`Filter`].
#[derive(Debug, Clone)]
#[must_use = "a method completes the filter"]
pub struct FilterOn {
    property: String,
}

/// A condition on a property; see [`filter`].
#[derive(Debug, Clone)]
pub struct Filter {
    property: String,
    operator: &'static str,
    operands: Operands,
}

#[derive(Debug, Clone)]
enum Operands {
    None,
    One(PropertyValue),
    Two(PropertyValue, PropertyValue),
    Many(Vec<PropertyValue>),
}

impl FilterOn {
    fn with(self, operator: &'static str, operands: Operands) -> Filter {
        Filter { property: self.property, operator, operands }
    }

    /// Matches if the property equals the value.
    pub fn eq(self, value: impl Into<PropertyValue>) -> Filter {
        self.with("EQ", Operands::One(value.into()))
    }

    /// Matches if the property differs from the value.
    pub fn neq(self, value: impl Into<PropertyValue>) -> Filter {
        self.with("NEQ", Operands::One(value.into()))
    }

    /// Matches if the property is less than the value.
    pub fn lt(self, value: impl Into<PropertyValue>) -> Filter {
        self.with("LT", Operands::One(value.into()))
    }

    /// Matches if the property is less than or equal to the value.
    pub fn lte(self, value: impl Into<PropertyValue>) -> Filter {
        self.with("LTE", Operands::One(value.into()))
    }

    /// Matches if the property is greater than the value.
    pub fn gt(self, value: impl Into<PropertyValue>) -> Filter {
        self.with("GT", Operands::One(value.into()))
    }

    /// Matches if the property is greater than or equal to the value.
    pub fn gte(self, value: impl Into<PropertyValue>) -> Filter {
        self.with("GTE", Operands::One(value.into()))
    }

    /// Matches if the property is between the two values or equals one of them.
    pub fn between(self, low: impl Into<PropertyValue>, high: impl Into<PropertyValue>) -> Filter {
        self.with("BETWEEN", Operands::Two(low.into(), high.into()))
    }

    /// Matches if the property equals one of the values. HubSpot takes the values of a text property in lower case.
    pub fn is_in<V: Into<PropertyValue>>(self, values: impl IntoIterator<Item = V>) -> Filter {
        self.with("IN", Operands::Many(values.into_iter().map(Into::into).collect()))
    }

    /// Matches if the property has a value and equals none of these. HubSpot takes the values of a text property in lower
    /// case.
    pub fn not_in<V: Into<PropertyValue>>(self, values: impl IntoIterator<Item = V>) -> Filter {
        self.with("NOT_IN", Operands::Many(values.into_iter().map(Into::into).collect()))
    }

    /// Matches if the property has a value.
    pub fn has_property(self) -> Filter {
        self.with("HAS_PROPERTY", Operands::None)
    }

    /// Matches if the property has no value.
    pub fn not_has_property(self) -> Filter {
        self.with("NOT_HAS_PROPERTY", Operands::None)
    }

    /// Matches if the property contains the word; `*` stands for any characters.
    pub fn contains_token(self, token: impl Into<PropertyValue>) -> Filter {
        self.with("CONTAINS_TOKEN", Operands::One(token.into()))
    }

    /// Matches if the property does not contain the word; `*` stands for any characters.
    pub fn not_contains_token(self, token: impl Into<PropertyValue>) -> Filter {
        self.with("NOT_CONTAINS_TOKEN", Operands::One(token.into()))
    }
}

impl Filter {
    pub(super) fn request(&self) -> Result<types::Filter> {
        check_property(&self.property)?;
        let text = |value: &PropertyValue| {
            let text = value.for_search(&self.property)?;
            if text.is_empty() {
                let field = format!("filter on property {:?}", self.property);
                let remedy = "give one, or use has_property or not_has_property";
                return Err(Error::invalid_input(&field, None, "has an empty value", remedy));
            }
            Ok(text)
        };
        let (mut value, mut high_value, mut values) = (None, None, Vec::new());
        match &self.operands {
            Operands::None => {}
            Operands::One(one) => value = Some(text(one)?),
            Operands::Two(low, high) => (value, high_value) = (Some(text(low)?), Some(text(high)?)),
            Operands::Many(many) if many.is_empty() => {
                let field = format!("filter on property {:?}", self.property);
                return Err(Error::invalid_input(&field, None, "lists no value", "give one or more"));
            }
            Operands::Many(many) => values = many.iter().map(text).collect::<Result<_>>()?,
        }
        let filter = types::Filter::builder()
            .high_value(high_value)
            .operator(self.operator)
            .property_name(self.property.as_str())
            .value(value)
            .values(values);
        Ok(filter.try_into()?)
    }
}
