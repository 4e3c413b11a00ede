//! A keyset sent to many agents at once, over connections that are there already.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use keyroll::fence::Epoch;
use keyroll::name::NodeName;
use keyroll_controller::agents::{AgentPool, Deadlines};
use keyroll_controller::ca::{Authority, Lifetimes, OwnCredential, now_unix};
use keyroll_controller::ports::Agents as _;
use keyroll_controller::seal::Seal;
use keyroll_controller::store::Store;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::agents;
use crate::keytab::keyset;
use crate::table::{Row, median, span};

const TIMES: u64 = 7;

/// What a controller has, to speak with agents.
pub struct Site {
    pub store: Arc<Store>,
    pub authority: Arc<Authority>,
    pub own: Arc<OwnCredential>,
}

impl Site {
    /// With its store in this folder.
    pub fn new(folder: &Path) -> Result<Self> {
        let seal = Arc::new(Seal::new(&[5; 32]));
        let store = Store::create(folder, &"CORP.EXAMPLE".parse()?, seal.clone())?;
        let authority = Authority::create(&store, &seal, Lifetimes::default(), now_unix())?;
        let authority = Arc::new(authority);
        let own = OwnCredential::new(Arc::clone(&authority), vec!["localhost".to_owned()])?;
        Ok(Self {
            store: Arc::new(store),
            authority,
            own: Arc::new(own),
        })
    }
}

/// 10, 100 and 1,000 agents.
pub fn measure(folder: &Path) -> Result<Vec<Row>> {
    let site = Site::new(&folder.join("staging"))?;
    let mut rows = Vec::new();
    let mut each = Vec::new();
    for count in [10, 100, 1000] {
        // As the controller has it. The agents take their share of the same processors.
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let (pool, nodes) = runtime.block_on(connected(count, &site))?;
        let spans = (1..=TIMES).map(|version| runtime.block_on(stage_all(&pool, &nodes, version)));
        let took = median(spans.collect::<Result<_>>()?);
        let per_agent = took / count;
        each.push(per_agent);
        rows.push(Row {
            what: format!("staging of {count} agents over warm mTLS connections"),
            measured: span(took),
            beside: format!("{} an agent", span(per_agent)),
            wanted: (count == 1000)
                .then(|| ("at most 1 s".to_owned(), took <= Duration::from_secs(1))),
        });
    }
    if let [first, .., last] = each.as_slice() {
        let what = "an agent among 1,000, beside one among 10";
        rows.push(Row::ratio(what, *last, ("an agent among 10", *first), 1.5));
    }
    Ok(rows)
}

/// So many agents, and a pool with a connection to each.
pub async fn connected(count: u32, site: &Site) -> Result<(Arc<AgentPool>, Vec<NodeName>)> {
    let (store, own) = (Arc::clone(&site.store), Arc::clone(&site.own));
    let pool = Arc::new(AgentPool::new(store, own, Epoch(1), Deadlines::default()));
    let mut nodes: Vec<NodeName> = Vec::new();
    for number in 0..count {
        let mut record = agents::start(&format!("n{number}.corp.example"), &site.authority).await?;
        record.arrays.insert(keyset(1)?.array);
        site.store.write(|change| change.put_node(&record))?;
        pool.know(&record);
        nodes.push(record.name);
    }
    let begun = Instant::now();
    while !nodes.iter().all(|node| pool.is_connected(node)) {
        anyhow::ensure!(
            begun.elapsed().as_secs() < 60,
            "not all agents are connected"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok((pool, nodes))
}

/// How long it takes until all of them hold a keyset of this version.
pub async fn stage_all(
    pool: &Arc<AgentPool>,
    nodes: &[NodeName],
    version: u64,
) -> Result<Duration> {
    let keyset = Arc::new(keyset(version)?);
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    for node in nodes {
        let (pool, node, keyset) = (Arc::clone(pool), node.clone(), Arc::clone(&keyset));
        calls.spawn(async move { pool.stage(&node, &keyset, [7; 32]).await });
    }
    while let Some(staged) = calls.join_next().await {
        let staged = staged?.context("an agent was not staged")?;
        anyhow::ensure!(staged.version.0 == version, "another version was staged");
    }
    Ok(begun.elapsed())
}
