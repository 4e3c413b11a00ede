//! Faults between users and nodes: a real balancer, whose address the array's name leads to.

use std::net::ToSocketAddrs as _;

use anyhow::{Context as _, Result, ensure};
use keyroll_tests::lab::Lab;
use keyroll_tests::wait::until;
use keyroll_tests::web::{Balancer, FreeNodes, Settings};
use keyroll_tests::world::{SOON, World};

use super::Mend::{ByHand, InItsPlace, Printed};
use super::{Fault, client, examined, plant, typed};
use crate::set_up::QUICK;

/// Of four hosts two are the array's nodes. The third is the balancer's own, and the fourth has a
/// web server that the balancer must not send anybody to.
pub fn behind_a_balancer(lab: &Lab, free: &FreeNodes) -> Result<()> {
    let mut world = World::new(lab, free, 4, &["poise"])?;
    world.create("poise", QUICK)?;
    world.serve_at("poise", 0)?;
    world.serve_at("poise", 1)?;
    let domain = world.domain();
    domain.wait_for_spn(&world.spn("poise"))?;
    domain.account("svc-astray", &["HTTP/astray.corp.example"])?;
    let astray = domain.keytab("svc-astray");
    let host = world.nodes[2].clone();
    domain.unname(&host)?;
    domain.address("poise", &host)?;
    world.web.serve(&world.nodes[3].clone(), &astray)?;
    let nodes = world.nodes[..2].to_vec();
    let settings = Settings {
        nodes: nodes.clone(),
        ..Settings::default()
    };
    let balancer = Balancer::start_on(&host, settings)?;
    for node in &nodes {
        balancer.wait_for(node, "UP", SOON)?;
    }
    world.balancer = Some(balancer);
    client::log_in(&mut world)?;
    plant(&mut world, "poise", &faults())?;
    // Its own name in reverse, which the last fault's mending takes away.
    reverse(&mut world, "add", &host)?;
    until("both ways to be told", SOON, || both_ways_are_told(&world))
}

/// At each node and through the balancer, and through it alone of what one node answers.
fn both_ways_are_told(world: &World<'_>) -> Result<()> {
    let (_, findings) = examined(world, "poise")?;
    let told = |object: &str, way: &str| {
        let said = format!("takes a fresh ticket: Kerberos, 200, {way}");
        let mut logins = findings.iter().filter(|one| one["object"] == object);
        let found = logins.any(|one| one["evidence"].to_string().contains(&said));
        ensure!(found, "nothing of {object} {way}: {findings:#?}");
        Ok(())
    };
    for agent in &world.agents[..2] {
        told(&agent.full_name(), "directly")?;
    }
    told("poise.corp.example", "through the balancer at 10.99.0.")?;
    let node = world.agents[0].full_name();
    let said = world.cli.ask(&["doctor", "poise", "--node", &node])?;
    let through = said.stdout.contains("through the balancer at");
    ensure!(said.exit == 0 && through, "{said:?}");
    ensure!(!said.stdout.contains(&world.agents[1].full_name()));
    Ok(())
}

/// The faults, for the docs.
pub fn faults() -> Vec<Fault> {
    vec![
        Fault::broken(
            "the balancer is down",
            "service-answers",
            "through the balancer at",
            &["client-login"],
            |world| of(world)?.stop(),
            InItsPlace("systemctl start haproxy (on poise.corp.example"),
        ),
        Fault::broken(
            "the balancer takes every node for down, since it asks the wrong port",
            "service-answers",
            "answers 503, through the balancer at",
            &["client-login"],
            |world| of(world)?.set(|settings| settings.health_port = Some(9)),
            ByHand("curl -sv http://node", |world| {
                // Where every web server listens: so it asks the one astray too.
                of(world)?.set(|settings| settings.health_port = None)
            }),
        ),
        Fault::broken(
            "the balancer sends to a machine that is no node of the array",
            "service-login",
            "through the balancer at",
            &["client-login"],
            |world| {
                let astray = world.nodes[3].clone();
                of(world)?.set(|settings| settings.nodes.push(astray))
            },
            InItsPlace("keyroll node list poise, then grep -rn server /etc/haproxy"),
        ),
        Fault::broken(
            "the balancer sends to a node whose web server reads another keytab",
            "service-login",
            "through the balancer at",
            &["client-login"],
            |world| {
                let astray = world.domain().keytab("svc-astray");
                let node = world.nodes[1].clone();
                world.web.stop(&node)?;
                world.web.serve(&node, &astray)
            },
            InItsPlace("keyroll doctor poise (service-login"),
        ),
        Fault::warning(
            "the balancer puts NTLM before Negotiate",
            "service-offers",
            "offers ntlm, negotiate, through the balancer at",
            &[],
            |world| {
                rule(
                    world,
                    "replace-header WWW-Authenticate ^Negotiate$ 'NTLM, Negotiate'",
                )
            },
            InItsPlace("grep -rni www-authenticate /etc/haproxy"),
        ),
        Fault::warning(
            "the balancer puts Basic before Negotiate",
            "service-offers",
            "offers basic, negotiate, through the balancer at",
            &[],
            |world| {
                let basic = "'Basic realm=\"x\", Negotiate'";
                rule(
                    world,
                    &format!("replace-header WWW-Authenticate ^Negotiate$ {basic}"),
                )
            },
            InItsPlace("grep -rni www-authenticate /etc/haproxy"),
        ),
        Fault::broken(
            "the balancer puts NTLM in the place of Negotiate",
            "service-offers",
            "offers ntlm, through the balancer at",
            &["client-login"],
            |world| rule(world, "replace-header WWW-Authenticate ^Negotiate$ NTLM"),
            InItsPlace("grep -rni www-authenticate /etc/haproxy"),
        ),
        Fault::broken(
            "the balancer takes WWW-Authenticate away",
            "service-offers",
            "answers 401 and offers nothing, through the balancer at",
            &["client-login"],
            |world| rule(world, "del-header WWW-Authenticate"),
            InItsPlace("grep -rni www-authenticate /etc/haproxy"),
        ),
        Fault::broken(
            "the balancer takes no header as long as a ticket",
            "service-login",
            "cannot read a fresh ticket (400), through the balancer at",
            &["client-login"],
            |world| {
                let short = "tune.bufsize 1024\ntune.maxrewrite 128";
                of(world)?.set(|settings| short.clone_into(&mut settings.global))
            },
            InItsPlace("tune.bufsize 65536"),
        ),
        Fault::warning(
            "the balancer's address leads back to another name (PTR)",
            "dns-name",
            "has another name in reverse",
            &["client-name"],
            |world| reverse(world, "delete", "poise"),
            Printed("samba-tool dns delete dc1.corp.example 0.99.10.in-addr.arpa"),
        ),
    ]
}

/// The balancer of the test.
pub fn of<'w>(world: &'w mut World<'_>) -> Result<&'w mut Balancer> {
    world.balancer.as_mut().context("there is no balancer")
}

fn rule(world: &mut World<'_>, rule: &str) -> Result<()> {
    let rule = format!("    http-response {rule}");
    of(world)?.set(|settings| settings.rules = rule)
}

/// Has the address of the balancer lead back to a name too, or no more.
fn reverse(world: &mut World<'_>, verb: &str, name: &str) -> Result<()> {
    let host = world.lab.full_name(&world.nodes[2]);
    let mut addresses = (host, 0).to_socket_addrs()?;
    let address = addresses.next().context("it has no address")?.ip();
    let text = address.to_string();
    let last = text.rsplit('.').next().unwrap_or_default();
    let name = world.lab.full_name(name);
    let zone = "0.99.10.in-addr.arpa";
    let command = format!("samba-tool dns {verb} dc1.corp.example {zone} {last} PTR {name}");
    typed::run(world, &command).map(drop)
}
