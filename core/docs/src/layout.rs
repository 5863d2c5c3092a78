//! Where everything of a picture stands.
//!
//! Columns stand from the Internet on the left to data on the right. A conversation leaves a box and ends at the daemon
//! that it reaches; one that passes a whole column goes over it.

use std::collections::BTreeMap;

use mops_model::Tier;
use serde::Serialize;

use crate::{Conversation, Daemon, Diagram, End};

/// The width of a box, in pixels of the picture.
pub(crate) const WIDTH: i32 = 264;
/// The room between two columns, where conversations run and are named.
const CHANNEL: i32 = 180;
/// The height of a box's heading.
const HEAD: i32 = 58;
/// The height of a daemon in a box.
const ROW: i32 = 34;
/// The room between two boxes of a column, and around the picture.
const GAP: i32 = 36;
/// The height of the picture's heading.
const TITLE: i32 = 84;
/// The room between two conversations that pass a column.
const LANE: i32 = 26;

/// A box.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Block {
    /// The group, network or `internet` that it stands for.
    pub(crate) key: String,
    class: &'static str,
    pub(crate) title: String,
    detail: String,
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) height: i32,
    rows: Vec<RowView>,
    #[serde(skip)]
    pub(crate) column: usize,
}

/// A line in a box.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RowView {
    name: String,
    listens: String,
    pub(crate) y: i32,
}

/// A conversation, drawn.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    path: String,
    label: String,
    label_x: i32,
    label_y: i32,
    anchor: &'static str,
}

/// Every box, in its column, without a place yet.
pub(crate) fn blocks(diagram: &Diagram) -> Vec<Block> {
    let block = |key: String, class, title: String, detail: String, rows: Vec<RowView>, column| Block {
        key,
        class,
        title,
        detail,
        x: 0,
        y: 0,
        height: HEAD + ROW * i32::try_from(rows.len()).expect("a box has few rows"),
        rows,
        column,
    };
    let row =
        |name: &str, listens: &str| RowView { name: name.to_owned(), listens: listens.to_owned(), y: 0 };
    let websites = diagram.websites.iter().map(|(name, host)| row(host, name)).collect();
    let mut blocks =
        vec![block(key(&End::World), "world", "Internet".to_owned(), "customers".to_owned(), websites, 0)];
    for group in &diagram.groups {
        let (class, column) = match group.tier {
            Tier::Edge => ("edge", 1),
            Tier::App => ("app", 2),
            Tier::Data => ("data", 3),
        };
        let rows = group.daemons.iter().map(|it| row(&it.name, &listens(it))).collect();
        let roles: Vec<&str> =
            group.roles.iter().map(String::as_str).filter(|it| *it != group.name).collect();
        let title = match roles.is_empty() {
            true => group.name.clone(),
            false => format!("{} + {}", group.name, roles.join(" + ")),
        };
        let end = End::Group(group.name.clone());
        blocks.push(block(key(&end), class, title, group.size.clone(), rows, column));
    }
    for network in diagram.networks() {
        let end = End::Network(network.to_owned());
        let begins = diagram.conversations.iter().any(|it| it.from == end);
        let column = if begins { 0 } else { 4 };
        blocks.push(block(key(&end), "world", network.to_owned(), "network".to_owned(), Vec::new(), column));
    }
    blocks
}

/// Where a daemon listens, as far as there is room beside its name: the ports are what firewalls ask about.
fn listens(daemon: &Daemon) -> String {
    const ROOM: usize = 33;
    let all = daemon.listens.join(", ");
    if daemon.name.len() + all.len() <= ROOM {
        return all;
    }
    let ports = daemon.listens.iter().map(|it| it.rsplit(' ').next().unwrap_or(it));
    ports.collect::<Vec<_>>().join(", ")
}

fn key(end: &End) -> String {
    match end {
        End::World => "internet".to_owned(),
        End::Network(network) => format!("network {network}"),
        End::Group(group) | End::Daemon { group, .. } => format!("group {group}"),
    }
}

/// Conversations that differ only in what is spoken are one line.
pub(crate) fn merged(conversations: &[Conversation]) -> Vec<Conversation> {
    let mut labels: BTreeMap<(&End, &End), Vec<&str>> = BTreeMap::new();
    for it in conversations {
        let from = labels.entry((&it.from, &it.to)).or_default();
        if !from.contains(&it.label.as_str()) {
            from.push(&it.label);
        }
    }
    let line = |((from, to), labels): ((&End, &End), Vec<&str>)| Conversation {
        from: from.clone(),
        to: to.clone(),
        label: labels.join(", "),
    };
    labels.into_iter().map(line).collect()
}

/// Boxes with their places.
pub(crate) struct Placed {
    pub(crate) blocks: Vec<Block>,
    pub(crate) width: i32,
    pub(crate) height: i32,
}

impl Placed {
    /// Puts the columns side by side, those without a box left out, each in the middle of the height.
    pub(crate) fn new(mut blocks: Vec<Block>) -> Self {
        let mut used: Vec<usize> = blocks.iter().map(|it| it.column).collect();
        used.sort_unstable();
        used.dedup();
        for block in &mut blocks {
            block.column = used.iter().position(|it| *it == block.column).expect("it is used");
        }
        let of = |blocks: &[Block], column: usize| {
            let heights = blocks.iter().filter(|it| it.column == column).map(|it| it.height + GAP);
            heights.sum::<i32>() - GAP
        };
        let tallest = (0..used.len()).map(|it| of(&blocks, it)).max().unwrap_or(0);
        // Lanes over the boxes for what passes a column.
        let top = TITLE + GAP + 2 * LANE;
        for column in 0..used.len() {
            let mut y = top + (tallest - of(&blocks, column)) / 2;
            for block in blocks.iter_mut().filter(|it| it.column == column) {
                block.x = GAP + (WIDTH + CHANNEL) * i32::try_from(column).expect("there are five columns");
                block.y = y;
                for (row, at) in block.rows.iter_mut().zip(0..) {
                    row.y = y + HEAD + ROW * at;
                }
                y += block.height + GAP;
            }
        }
        let columns = i32::try_from(used.len()).expect("there are five columns");
        let width = 2 * GAP + columns * WIDTH + (columns - 1) * CHANNEL;
        Self { blocks, width, height: top + tallest + 2 * LANE + 2 * GAP }
    }

    fn block(&self, end: &End) -> Option<&Block> {
        let key = key(end);
        self.blocks.iter().find(|it| it.key == key)
    }

    /// Where a conversation ends: the height of the daemon's row, or of the box's heading.
    fn height_of(block: &Block, end: &End) -> i32 {
        let row = match end {
            End::Daemon { daemon, .. } => block.rows.iter().find(|it| it.name == *daemon),
            End::World | End::Network(_) | End::Group(_) => None,
        };
        row.map_or(block.y + HEAD / 2, |it| it.y + ROW / 2 - 2)
    }

    /// The line of each conversation.
    pub(crate) fn lines(&self, conversations: &[Conversation]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut leaving: BTreeMap<(String, bool), i32> = BTreeMap::new();
        let mut over = 0;
        let mut ordered: Vec<&Conversation> = conversations.iter().collect();
        // What leaves a box higher ends higher; what passes a column leaves first.
        ordered.sort_by_key(|it| {
            let place = |end: &End| {
                self.block(end).map_or((0, 0), |block| (block.column, Self::height_of(block, end)))
            };
            let (from, to) = (place(&it.from), place(&it.to));
            (it.from.clone(), from.0.abs_diff(to.0) < 2, to.1)
        });
        for it in ordered {
            let (Some(from), Some(to)) = (self.block(&it.from), self.block(&it.to)) else { continue };
            let forward = to.column >= from.column;
            let nth = leaving.entry((from.key.clone(), forward)).or_insert(0);
            let start = from.y + 22 + 15 * *nth;
            *nth += 1;
            let end = Self::height_of(to, &it.to);
            lines.push(match to.column.abs_diff(from.column) {
                0 => beside(from, start, end, &it.label),
                1 if forward => curve(from.x + WIDTH, start, to.x, end, &it.label),
                1 => curve(from.x, start, to.x + WIDTH, end, &it.label),
                _ => {
                    over += 1;
                    self.passing(from, to, start, end, over, &it.label)
                }
            });
        }
        lines
    }

    /// Over the boxes between two columns that are not neighbours.
    fn passing(&self, from: &Block, to: &Block, start: i32, end: i32, nth: i32, label: &str) -> Line {
        let forward = to.column > from.column;
        let side = if forward { 1 } else { -1 };
        let (x0, x1) = match forward {
            true => (from.x + WIDTH, to.x),
            false => (from.x, to.x + WIDTH),
        };
        let top = self.blocks.iter().map(|it| it.y).min().unwrap_or(0);
        let lane = top - 8 - LANE * ((nth - 1) % 3);
        let (up, down) = (x0 + side * (24 + 8 * nth), x1 - side * (64 + 8 * nth));
        let path = format!(
            "M{x0},{start} H{} Q{up},{start} {up},{} V{} Q{up},{lane} {},{lane} H{} Q{down},{lane} {down},{} V{} Q{down},{end} {},{end} H{}",
            up - side * 10,
            start - 10,
            lane + 10,
            up + side * 10,
            down - side * 10,
            lane + 10,
            end - 10,
            down + side * 10,
            x1 - side * 7,
        );
        Line {
            path,
            label: label.to_owned(),
            label_x: i32::midpoint(up, down),
            label_y: lane - 6,
            anchor: "middle",
        }
    }
}

/// From the edge of one box to that of its neighbour, with the name near where it ends.
fn curve(x0: i32, start: i32, x1: i32, end: i32, label: &str) -> Line {
    let side = (x1 - x0).signum();
    let tip = x1 - side * 7;
    // The last part is straight: the name stands on it.
    let flat = tip - side * 92;
    let bend = (flat - x0) / 2;
    Line {
        path: format!("M{x0},{start} C{},{start} {},{end} {flat},{end} H{tip}", x0 + bend, flat - bend),
        label: label.to_owned(),
        label_x: tip - side * 8,
        label_y: end - 6,
        anchor: if side > 0 { "end" } else { "start" },
    }
}

/// Around the right side of a box, or between two of one column.
fn beside(block: &Block, start: i32, end: i32, label: &str) -> Line {
    let x = block.x + WIDTH;
    let out = x + 44;
    Line {
        path: format!("M{x},{start} C{out},{start} {out},{end} {},{end}", x + 7),
        label: label.to_owned(),
        label_x: x + 40,
        label_y: i32::midpoint(start, end) + 4,
        anchor: "start",
    }
}
