//! The service classes that a computer's HOST answers for.

/// `sPNMappings` of `CN=Directory Service,CN=Windows NT,CN=Services` in the configuration: which
/// classes a KDC looks up under another where nobody has them (MS-ADTS 6.1.1.2.4.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aliases(Vec<(String, Vec<String>)>);

/// The value that a new forest gets (MS-ADTS 6.1.1.2.4.1.1), for where it cannot be read.
const DEFAULT: &str = "host=alerter,appmgmt,cisvc,clipsrv,browser,dhcp,dnscache,replicator,\
    eventlog,eventsystem,policyagent,oakley,dmserver,dns,mcsvc,fax,msiserver,ias,messenger,\
    netlogon,netman,netdde,netddedsm,nmagent,plugplay,protectedstorage,rasman,rpclocator,rpc,\
    rpcss,remoteaccess,rsvp,samss,scardsvr,scesrv,seclogon,scm,dcom,cifs,spooler,snmp,schedule,\
    tapisrv,trksvr,trkwks,ups,time,wins,www,http,w3svc,iisadmin,msdtc";

impl Default for Aliases {
    fn default() -> Self {
        Self::parse([DEFAULT])
    }
}

impl Aliases {
    /// From the attribute's values, `host=http,www,…` each; what has another form is left out.
    #[must_use]
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let one = |value: &str| {
            let (of, classes) = value.split_once('=')?;
            let classes = classes.split(',').map(|class| class.trim().to_lowercase());
            let classes = classes.filter(|class| !class.is_empty());
            Some((of.trim().to_lowercase(), classes.collect()))
        };
        Self(values.into_iter().filter_map(one).collect())
    }

    /// The class that answers for `class` where nobody has it, in small letters.
    #[must_use]
    pub fn answers_for(&self, class: &str) -> Option<&str> {
        let class = class.to_lowercase();
        let found = self.0.iter().find(|(_, classes)| classes.contains(&class));
        found.map(|(of, _)| of.as_str())
    }

    /// The classes that `class` answers for, in small letters.
    #[must_use]
    pub fn answered_by(&self, class: &str) -> &[String] {
        let found = self.0.iter().find(|(of, _)| of.eq_ignore_ascii_case(class));
        found.map_or(&[], |(_, classes)| classes.as_slice())
    }
}
