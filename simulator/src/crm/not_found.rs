//! What a request or a seed names and the CRM does not hold.

use std::{error::Error, fmt};

use crate::crm::object_type::ObjectType;

/// What a request or a seed names and the CRM does not hold.
#[derive(Debug)]
pub(crate) enum NotFound {
    ObjectType(String),
    Object {
        object_type: ObjectType,
        id: String,
    },
    /// An association type of v3, by whatever named it.
    AssociationType {
        from: ObjectType,
        to: ObjectType,
        text: String,
    },
    /// The unlabelled association type.
    Unlabeled {
        from: ObjectType,
        to: ObjectType,
    },
    /// The other end of an association.
    Target {
        to: ObjectType,
        id: String,
    },
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ObjectType(text) => write!(f, "no object type `{text}`"),
            Self::Object { object_type, id } | Self::Target { to: object_type, id } => {
                write!(f, "no {} `{id}`", object_type.singular().replace('_', " "))
            }
            Self::AssociationType { from, to, text } => {
                write!(f, "no association type `{text}` from {} to {}", from.plural(), to.plural())
            }
            Self::Unlabeled { from, to } => {
                write!(f, "no unlabeled association type from {} to {}", from.plural(), to.plural())
            }
        }
    }
}

impl Error for NotFound {}
