//! The CRM object types the simulator knows.

/// A CRM object type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ObjectType {
    Contact,
    Company,
    Deal,
    Ticket,
    PartnerClient,
}

impl ObjectType {
    pub(crate) const ALL: [Self; 5] = [Self::Contact, Self::Company, Self::Deal, Self::Ticket, Self::PartnerClient];

    /// Finds a type by its singular name, its plural name (both in any case) or its id.
    pub(crate) fn infer(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|object_type| {
            object_type.id() == text
                || object_type.singular().eq_ignore_ascii_case(text)
                || object_type.plural().eq_ignore_ascii_case(text)
        })
    }

    fn id(self) -> &'static str {
        match self {
            Self::Contact => "0-1",
            Self::Company => "0-2",
            Self::Deal => "0-3",
            Self::Ticket => "0-5",
            Self::PartnerClient => "0-145",
        }
    }

    pub(crate) fn singular(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Company => "company",
            Self::Deal => "deal",
            Self::Ticket => "ticket",
            Self::PartnerClient => "partner_client",
        }
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Contact => "contacts",
            Self::Company => "companies",
            Self::Deal => "deals",
            Self::Ticket => "tickets",
            Self::PartnerClient => "partner_clients",
        }
    }
}
