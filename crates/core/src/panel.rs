//! Many series of many servers.

use crate::{Error, History, Result, Server};
use std::sync::Arc;

/// Series in order of their keys, with what is known of their servers.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    servers: Vec<Arc<Server>>,
    histories: Vec<History>,
}

impl Panel {
    /// A panel; servers and series may come in any order. A series may belong to no known server.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when a server or a series stands twice.
    pub fn new(mut servers: Vec<Arc<Server>>, mut histories: Vec<History>) -> Result<Self> {
        servers.sort_by(|a, b| a.server_id().cmp(b.server_id()));
        histories.sort_by(|a, b| a.id().cmp(b.id()));
        if let Some(pair) = servers.windows(2).find(|pair| pair[0].server_id() == pair[1].server_id()) {
            return Err(Error::Duplicate { kind: "server".to_owned(), key: pair[0].server_id().to_owned() });
        }
        if let Some(pair) = histories.windows(2).find(|pair| pair[0].id() == pair[1].id()) {
            return Err(Error::Duplicate { kind: "series".to_owned(), key: pair[0].id().to_string() });
        }
        Ok(Self { servers, histories })
    }

    /// The series, in order of their keys.
    pub fn histories(&self) -> &[History] {
        &self.histories
    }

    /// The servers, in order of their ids; one without telemetry is here all the same.
    pub fn servers(&self) -> &[Arc<Server>] {
        &self.servers
    }

    /// The server with this id.
    pub fn server(&self, server_id: &str) -> Option<&Arc<Server>> {
        self.servers.binary_search_by(|s| s.server_id().cmp(server_id)).ok().map(|at| &self.servers[at])
    }

    /// The same servers with other series, for example all cut at an earlier time.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when a series stands twice.
    pub fn with_histories(&self, histories: Vec<History>) -> Result<Self> {
        Self::new(self.servers.clone(), histories)
    }
}
