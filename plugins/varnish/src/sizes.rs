//! How much memory goes where.

use mops_plugin::{
    Context,
    model::{Diagnostic, Size},
};
use serde::Serialize;

use crate::{daemon, options::CacheOptions};

/// The least storage: with less, Varnish evicts what it has just fetched.
const LEAST: Size = Size::mebibytes(64);

/// Run-time parameters, by what they are for. Varnish counts `K` as 1024 bytes as well.
#[derive(Debug, Serialize)]
pub(crate) struct Parameters {
    /// `http_req_hdr_len`: one header of a request; 12 KB of cookies and a purge of 7.7 KB fit.
    request_header: Size,
    /// `http_req_size`: all headers of a request.
    request: Size,
    /// `workspace_client`: what one request of a visitor may use, headers included.
    workspace_client: Size,
    /// `http_resp_hdr_len`.
    pub(crate) tags: Size,
    /// `http_resp_size`.
    pub(crate) response: Size,
    /// `workspace_backend`.
    pub(crate) workspace: Size,
}

impl Parameters {
    /// The parameters for the option `headers`.
    ///
    /// # Errors
    /// Sizes that do not fit into one another.
    pub(crate) fn new(cache: &CacheOptions) -> Result<Self, Vec<Diagnostic>> {
        let plus = |size: Size, kibibytes: u64| Size::bytes(size.as_bytes() + (kibibytes << 10));
        let tags = cache.headers.tags;
        let response = cache.headers.response.unwrap_or(plus(tags, 32));
        let workspace = cache.headers.workspace.unwrap_or(plus(response, 160));
        let mut wrong = Vec::new();
        if response <= tags {
            let message =
                format!("all headers of an answer ({response}) must be more than its longest ({tags})");
            wrong.push(
                Diagnostic::error("varnish::headers", message)
                    .at_option("headers.response")
                    .help(format!("write at least \"{}\", or leave it out", plus(tags, 32))),
            );
        }
        if workspace <= response {
            let message = format!("the workspace ({workspace}) must hold more than the headers ({response})");
            wrong.push(
                Diagnostic::error("varnish::headers", message)
                    .at_option("headers.workspace")
                    .help(format!("write at least \"{}\", or leave it out", plus(response, 160))),
            );
        }
        match wrong.is_empty() {
            true => Ok(Self {
                request_header: Size::bytes(32 << 10),
                request: Size::bytes(64 << 10),
                workspace_client: Size::bytes(256 << 10),
                tags,
                response,
                workspace,
            }),
            false => Err(wrong),
        }
    }
}

/// The storage: what the script says, or half of the node's memory, shared evenly with the other roles on that node.
/// The other half is for threads and their workspaces, the log in shared memory and what allocation wastes (1 KB for
/// each object and the allocator's own).
pub(crate) fn storage(cache: &CacheOptions, context: &Context) -> Size {
    let share = || {
        let group = context.group(daemon::ROLE)?;
        let roles = u64::try_from(group.roles.len()).expect("a handful of roles");
        Some(Size::mebibytes(group.memory.as_mebibytes() / 2 / roles.max(1)).max(LEAST))
    };
    cache.memory.or_else(share).unwrap_or(LEAST)
}
