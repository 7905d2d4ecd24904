//! Where in a file the parts of an association are: in which columns, or the same in all rows.

use clap::Args;

use super::columns::{COLUMNS, name};

/// The options that say how a file's rows are read.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Table {
    /// Where a value is, such as to_object_id=Company if the column Company has the ids. With a property, such as
    /// to_object_id.domain=Website, the objects are found by that property, which the column Website has. Repeat the
    /// option for several columns [default: the columns below]
    #[arg(long = "column", value_name = "NAME=COLUMN", value_parser = column)]
    columns: Vec<Column>,
    /// Association type of every row; the file needs no column association_type [default: the column]
    #[arg(long = "type", value_name = "TYPE")]
    association_type: Option<String>,
}

/// The same, where no other option says the type of the objects.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TypedTable {
    #[command(flatten)]
    pub(crate) table: Table,
    /// Type of the other objects of every row; the file needs no column to_object_type [default: the column]
    #[arg(long, value_name = "TYPE")]
    pub(crate) to_type: Option<String>,
}

impl TypedTable {
    pub(crate) fn layout(&self) -> Layout {
        Layout::new(&self.table, self.to_type.as_deref())
    }
}

/// One `--column`.
#[derive(Debug, Clone)]
struct Column {
    /// Which of the four.
    part: usize,
    /// By which the objects are found.
    property: Option<String>,
    header: String,
}

fn column(text: &str) -> Result<Column, String> {
    let (left, header) = text.split_once('=').ok_or("it takes the form NAME=COLUMN, such as to_object_id=Company")?;
    let (part, property) = match left.split_once('.') {
        Some((part, property)) => (part, Some(property.trim().to_ascii_lowercase())),
        None => (left, None),
    };
    let place = COLUMNS.iter().position(|column| name(column.as_bytes()) == name(part.as_bytes()));
    let place = place.ok_or_else(|| format!("{:?} is none of {}", part.trim(), COLUMNS.join(", ")))?;
    if let Some(property) = &property {
        let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_name(property) {
            return Err(format!("{property:?} is no property's internal name"));
        }
        if place % 2 == 1 {
            return Err(format!("objects are found by a property, and {} is no object", part.trim()));
        }
    }
    if name(header.as_bytes()).is_empty() {
        return Err("it names no column".to_owned());
    }
    Ok(Column { part: place, property, header: header.trim().to_owned() })
}

/// Where each of the four parts is.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    columns: Vec<Column>,
    to_type: Option<String>,
    association_type: Option<String>,
}

impl Layout {
    pub(crate) fn new(table: &Table, to_type: Option<&str>) -> Self {
        let trimmed = |text: &str| text.trim().to_owned();
        Self {
            columns: table.columns.clone(),
            to_type: to_type.map(trimmed),
            association_type: table.association_type.as_deref().map(trimmed),
        }
    }

    /// The header of a part's column, and whether an option names it. The last of several options counts.
    pub(super) fn header(&self, part: usize) -> (&str, bool) {
        match self.columns.iter().rfind(|column| column.part == part) {
            Some(column) => (&column.header, true),
            None => (COLUMNS.get(part).copied().unwrap_or_default(), false),
        }
    }

    /// The property by which the objects of a column are found.
    pub(super) fn property(&self, part: usize) -> Option<&str> {
        self.columns.iter().rfind(|column| column.part == part)?.property.as_deref()
    }

    /// Whether objects of any column are found by a property.
    pub(super) fn has_properties(&self) -> bool {
        self.columns.iter().any(|column| column.property.is_some())
    }

    /// What a part is in every row, and the option that says so.
    pub(super) fn constant(&self, part: usize) -> Option<(&str, &'static str)> {
        let (constant, option) = match part {
            1 => (&self.to_type, "--to-type"),
            3 => (&self.association_type, "--type"),
            _ => return None,
        };
        Some((constant.as_deref()?, option))
    }

    /// The names of the columns as they are compared: all, and how many of them a file must have.
    pub(super) fn names(&self) -> (Vec<String>, usize) {
        let names = (0..COLUMNS.len()).map(|part| name(self.header(part).0.as_bytes())).collect();
        (names, (0..COLUMNS.len()).filter(|part| self.is_required(*part)).count())
    }

    pub(super) fn is_required(&self, part: usize) -> bool {
        self.header(part).1 || self.constant(part).is_none()
    }

    /// What tells this layout from others; nothing of the usual one.
    pub(super) fn identity(&self) -> String {
        let columns = self.columns.iter().map(|column| {
            let property = column.property.as_deref().unwrap_or_default();
            format!("{}.{property}={}\n", column.part, column.header)
        });
        let constants = [1, 3]
            .into_iter()
            .filter_map(|part| self.constant(part))
            .map(|(value, option)| format!("{option} {value}\n"));
        columns.chain(constants).collect()
    }
}
