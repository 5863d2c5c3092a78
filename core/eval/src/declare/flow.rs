//! Conversations that a script permits.

use mops_model::{Cidr, Declared};

use crate::{
    handle::Handle,
    run::{Checked, State},
};

/// A flow whose ends are looked up when the whole script has been read.
pub(crate) struct Flow {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) port: u16,
    pub(crate) declared: Declared,
}

pub(super) fn allow(state: &mut State, call: &Checked<'_>) -> Handle {
    let handle = Handle::Service("allow".to_owned());
    let (true, Some(from), Some(to)) = (call.is_whole, call.text("from"), call.text("to")) else {
        return handle;
    };
    let Some((to, port)) = end(to) else {
        let message = format!("`allow`: {to:?} names no port");
        state.wrong(
            "eval::wrong-value",
            message,
            call.places.key("to"),
            "here",
            "write \"10.20.0.0/16:443\" or \"app:8080\"",
        );
        return handle;
    };
    let flow = Flow { from: from.to_owned(), to: to.to_owned(), port, declared: call.declared.clone() };
    state.declared.flows.push(flow);
    handle
}

/// `app:8080` or `10.20.0.0/16:443` or `fd00::/8:443` in its parts.
fn end(to: &str) -> Option<(&str, u16)> {
    let (end, port) = to.rsplit_once(':')?;
    let port = port.parse().ok().filter(|it| *it > 0)?;
    let is_end = end.contains('/') == end.parse::<Cidr>().is_ok();
    is_end.then_some((end, port))
}
