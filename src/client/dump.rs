//! What waits for what, in JSON, for who looks for the reason of a hang.

use crate::future::dump::{self, OpenFuture, SuspendedTask};
use crate::log::log;
use crate::scheduler::{self, Core};
use crate::slab::Id;
use crate::status::{self, Failure, Result};
use serde::ser::{Serialize, SerializeSeq, Serializer};
use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Writes what is not done of the client to a file, or to stderr.
pub(super) fn write(client: u64, path: Option<&CStr>) -> Result<()> {
    // A close that does not return is a hang like any other.
    let core = scheduler::find_unclosed(Id(client))?;
    let Some(path) = path else {
        let written = write_to(&core, std::io::stderr());
        return written.map_err(|error| Failure::new(status::LOST, format!("stderr: {error}")));
    };
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    let file =
        File::create(path).map_err(|error| Failure::invalid(format!("{}: {error}", path.display())))?;
    let written = write_to(&core, file);
    log!(Debug, "{core}: what is not done is written to {}", path.display());
    written.map_err(|error| Failure::new(status::LOST, format!("{}: {error}", path.display())))
}

fn write_to(core: &Core, to: impl Write) -> std::io::Result<()> {
    let mut to = BufWriter::with_capacity(1 << 16, to);
    let dump = Dump {
        client: Client {
            name: &core.settings.name,
            state: if core.is_closed() { "closing" } else { "open" },
            n_workers: core.settings.n_workers,
            n_suspended: core.suspended(),
            resources: core.stock().map(|(name, total, free)| (name, Stock { total, free })).collect(),
        },
        stats: super::embedded::figures(core),
        suspended: dump::suspended(core.number),
        futures: Futures(core.number),
    };
    serde_json::to_writer_pretty(&mut to, &dump)?;
    to.write_all(b"\n")?;
    to.flush()
}

#[derive(serde::Serialize)]
struct Dump<'a> {
    client: Client<'a>,
    stats: super::Stats,
    suspended: Vec<SuspendedTask>,
    futures: Futures,
}

#[derive(serde::Serialize)]
struct Client<'a> {
    name: &'a str,
    state: &'static str,
    n_workers: usize,
    n_suspended: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    resources: BTreeMap<&'a str, Stock>,
}

/// What there is of a resource.
#[derive(serde::Serialize)]
struct Stock {
    total: u64,
    free: u64,
}

/// All that are not done of the client with this number: written while they are visited, since there may be very many.
struct Futures(u32);

impl Serialize for Futures {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut futures = serializer.serialize_seq(None)?;
        let mut written = Ok(());
        dump::for_each_open(self.0, |future: OpenFuture| {
            if written.is_ok() {
                written = futures.serialize_element(&future);
            }
        });
        written?;
        futures.end()
    }
}
