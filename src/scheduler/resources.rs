//! Resources: what a client has of each, and what tasks need of them while they run.
//!
//! They are written `"GPU=2,license=1"` on both sides. A task's are read once, at submit, into indices and amounts.

use crate::status::{Failure, Result};
use std::ffi::CStr;
use std::sync::Arc;

/// The most resources a client may have: a set of them is one word. Stated in the header.
pub(crate) const MAX_RESOURCES: usize = 64;
/// Characters of a caller's text that a message repeats.
const SHOWN: usize = 64;

/// What a client has in all.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    pub(crate) names: Vec<Box<str>>,
    totals: Vec<u64>,
}

/// What a task holds while it runs: a bit for the index of each resource, and as many amounts, in the order of the bits.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    names: u64,
    /// `None` for nothing, which then costs nothing.
    amounts: Option<Arc<[u64]>>,
}

impl Need {
    /// The set of resources, a bit each.
    pub(crate) fn names(&self) -> u64 {
        self.names
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names == 0
    }

    /// Index and amount of each resource.
    pub(crate) fn amounts(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let mut left = self.names;
        self.amounts.iter().flat_map(|amounts| amounts.iter()).map(move |&amount| {
            let index = left.trailing_zeros() as usize;
            left &= left - 1;
            (index, amount)
        })
    }
}

impl Resources {
    /// What a client is opened with.
    pub(crate) fn read(text: &CStr) -> Result<Self> {
        let items = items(text)?;
        if items.len() > MAX_RESOURCES {
            return Err(Failure::invalid(format!(
                "resources: {} are more than the {MAX_RESOURCES} a client may have",
                items.len()
            )));
        }
        let (names, totals) = items.into_iter().unzip();
        Ok(Self { names, totals })
    }

    pub(crate) fn totals(&self) -> &[u64] {
        &self.totals
    }

    /// As it is written in options.
    pub(crate) fn text_of(&self, need: &Need) -> String {
        let items: Vec<_> =
            need.amounts().map(|(index, amount)| format!("{}={amount}", self.names[index])).collect();
        items.join(",")
    }

    /// What a task asks for; a failure when it could never have it.
    pub(crate) fn need(&self, text: &CStr) -> Result<Need> {
        let mut needed = Vec::new();
        for (name, amount) in items(text)? {
            let Some(index) = self.names.iter().position(|other| *other == name) else {
                return Err(Failure::invalid(format!("resources: the client has no {}", shown(&name))));
            };
            let total = self.totals[index];
            if amount > total {
                return Err(Failure::invalid(format!(
                    "resources: {}={amount} is more than the {total} that the client has",
                    shown(&name)
                )));
            }
            needed.push((index, amount));
        }
        needed.sort_unstable();
        let names = needed.iter().fold(0, |names, (index, _)| names | 1 << index);
        Ok(Need { names, amounts: Some(needed.into_iter().map(|(_, amount)| amount).collect()) })
    }
}

/// Names and amounts, as written: at least one, none of them twice.
fn items(text: &CStr) -> Result<Vec<(Box<str>, u64)>> {
    let text = std::str::from_utf8(text.to_bytes())
        .map_err(|_| Failure::invalid("resources: the text is not UTF-8"))?;
    let mut items: Vec<(Box<str>, u64)> = Vec::new();
    for part in text.split(',') {
        let culprit = if part.is_empty() { text } else { part };
        let malformed = |why: &str| Failure::invalid(format!("resources: \"{}\": {why}", shown(culprit)));
        let (name, amount) =
            part.split_once('=').ok_or_else(|| malformed("NAME=AMOUNT is wanted, and commas between"))?;
        if name.is_empty() {
            return Err(malformed("there is no name"));
        }
        if part.contains(char::is_whitespace) {
            return Err(malformed("there is a space"));
        }
        // `parse` would take a sign too.
        if amount.is_empty() || !amount.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(malformed("the amount is not a whole number in digits"));
        }
        match amount.parse() {
            Ok(0) => return Err(malformed("the amount is 0")),
            Ok(amount) => items.push((name.into(), amount)),
            Err(_) => return Err(malformed("the amount is more than 64 bits hold")),
        }
    }
    // Sorted, since a text may be of any length.
    let mut names: Vec<_> = items.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Failure::invalid(format!("resources: {} is named twice", shown(twice[0]))));
    }
    Ok(items)
}

/// The beginning of a text that may be of any length.
fn shown(text: &str) -> &str {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::ffi::CString;

    fn read(text: &str) -> Result<Resources> {
        Resources::read(&CString::new(text).unwrap())
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for text in [
            "",
            ",",
            "GPU",
            "GPU=",
            "=1",
            "GPU=0",
            "GPU=00",
            "GPU=-1",
            "GPU=+1",
            "GPU=1.5",
            "GPU=1e3",
            "GPU=0x1",
            "GPU=one",
            "GPU=1,",
            ",GPU=1",
            "GPU=1,,license=1",
            "GPU=1;license=1",
            "GPU=1 ",
            " GPU=1",
            "GPU =1",
            "GPU= 1",
            "GPU=1, license=1",
            "GPU\t=1",
            "G\u{a0}U=1",
            "GPU=1\n",
            "GPU=1=1",
            "GPU==1",
            "GPU=1,GPU=1",
            "GPU=1,license=1,GPU=2",
            "GPU=18446744073709551616",
            "GPU=99999999999999999999999999999999999999",
            "GPU=\u{661}",
        ] {
            assert_eq!(read(text).map(drop).unwrap_err().status, crate::status::INVALID, "{text:?}");
        }
        assert!(Resources::read(c"\xff=1").is_err());
        let many = |n: usize| (0..n).map(|i| format!("r{i}=1")).collect::<Vec<_>>().join(",");
        assert!(read(&many(MAX_RESOURCES)).is_ok());
        assert!(read(&many(MAX_RESOURCES + 1)).is_err());
        let endless = read(&"x".repeat(1 << 20)).unwrap_err().message;
        assert!(endless.len() < 1000);
    }

    #[test]
    fn needs_are_indices_and_amounts() {
        let resources = read("GPU=2,license=18446744073709551615,x-y.z:1=1").unwrap();
        let need = |text: &CStr| resources.need(text).map(|need| need.amounts().collect::<Vec<_>>());
        assert_eq!(need(c"license=7"), Ok(vec![(1, 7)]));
        assert_eq!(need(c"x-y.z:1=01,GPU=2"), Ok(vec![(0, 2), (2, 1)]));
        let both = resources.need(c"x-y.z:1=1,license=3").unwrap();
        assert_eq!(resources.text_of(&both), "license=3,x-y.z:1=1");
        assert!(need(c"GPU=3").unwrap_err().message.contains("GPU=3"));
        assert!(need(c"gpu=1").unwrap_err().message.contains("no gpu"));
        assert_eq!(resources.need(c"GPU=1,license=1"), resources.need(c"license=1,GPU=1"));
        assert!(Need::default().is_empty() && Need::default().amounts().next().is_none());
        assert!(Resources::default().need(c"GPU=1").is_err());
    }
}
