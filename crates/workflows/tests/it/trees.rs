//! Trees as clients keep them: returned as sent, converted, versioned, guarded.

use crate::bench::{Bench, trail, tree_json};
use model::run::RunState;
use workflows::Error;
use workflows::definition::Format;
use workflows::trees::{TreeInput, TreeKey};

fn input(name: &str, format: Format, text: &str) -> TreeInput {
    TreeInput {
        source: Some("Kinetic Request CE".into()),
        group: Some("Submissions > services".into()),
        name: Some(name.into()),
        definition: Some((format, text.into())),
        ..TreeInput::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_puts_it_gets_back() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let json = tree_json(&["a utilities_ecko_v1 input=x", "start -> a"]);
        let text = format!("  {json}\n");
        let made = input("Created", Format::Json, &text);
        let detail = bench.engine.create_tree(&bench.actor, made.clone(), false).await.unwrap();
        assert_eq!(detail.version.definition, text);
        assert_eq!(detail.tree.version, 0);
        assert_eq!(detail.tree_json(), json);
        assert!(detail.tree_xml().starts_with("<taskTree"));
        assert_eq!(detail.tree.problems[0].node_id.as_deref(), Some("a"));

        let twice = bench.engine.create_tree(&bench.actor, made, false).await;
        assert!(matches!(twice, Err(Error::Taken(_))), "{twice:?}");
        let unreadable = input("Bad", Format::Xml, "<tree>");
        let refused = bench.engine.create_tree(&bench.actor, unreadable, false).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        let mut elsewhere = input("X", Format::Json, "{}");
        elsewhere.source = Some("Nowhere".into());
        let refused = bench.engine.create_tree(&bench.actor, elsewhere, false).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");

        let title =
            TreeKey::Title("Kinetic Request CE :: Submissions > services :: Created".into());
        let export = bench.engine.tree(&bench.actor, &title).await.unwrap().export();
        let definition = Some((Format::Xml, export.clone()));
        let forced = TreeInput { definition, ..TreeInput::default() };
        let replaced = bench.engine.create_tree(&bench.actor, forced, true).await.unwrap();
        assert_eq!(replaced.tree.id, detail.tree.id);
        assert_eq!(replaced.tree.version, 1);
        assert_eq!(replaced.tree_xml(), export);
        assert_eq!(replaced.definition().nodes, detail.definition().nodes);

        let stale = TreeInput { version: Some(0), ..TreeInput::default() };
        let refused = bench.engine.update_tree(&bench.actor, &title, stale).await;
        assert!(matches!(refused, Err(Error::Stale(_))), "{refused:?}");
        let renamed = TreeInput { name: Some("Closed".into()), ..TreeInput::default() };
        let renamed = bench.engine.update_tree(&bench.actor, &title, renamed).await.unwrap();
        assert_eq!(renamed.tree.version, 2);
        bench.engine.delete_tree(&bench.actor, &TreeKey::Guid(renamed.tree.id.0)).await.unwrap();
        assert!(bench.engine.trees(&bench.actor, Default::default(), 10).await.unwrap().is_empty());
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_compared_and_brought_back_and_deleted_trees_too() {
    use workflows::trees::TreeKey;
    for store in testkit::both().await {
        let bench = crate::bench::Bench::resting(&store, crate::bench::World::default()).await;
        let key = TreeKey::Title("Kinetic Task :: Group :: two".into());
        bench.tree("two", &["a utilities_echo_v1 input=x", "start -> a"]).await;
        let lines = ["a utilities_echo_v1 input=y", "b gone_v1", "start -> a", "a -> b"];
        bench.tree("two", &lines).await;
        let (engine, who) = (&bench.engine, &bench.actor);
        let versions = engine.tree_versions(who, &key).await.unwrap();
        assert_eq!(versions.iter().map(|v| v.version).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(versions[0].problems.len(), 1);
        let found = engine.compare_versions(who, &key, 0, 1).await.unwrap();
        assert_eq!(found["nodes"]["added"][0]["id"], "b");
        let change = &found["nodes"]["changed"][0]["changes"][0];
        assert_eq!(
            (&change["what"], &change["from"], &change["to"]),
            (&"parameter input".into(), &"x".into(), &"y".into())
        );
        assert_eq!(found["connectors"]["added"][0]["to"], "b");
        let missing = engine.missing(who).await.unwrap();
        let (tree, nodes) = &missing["gone_v1"][0];
        assert_eq!((tree.title().as_str(), *nodes), ("Kinetic Task :: Group :: two", 1));
        let users = engine.tree_usage(who, "utilities_echo_v1").await.unwrap();
        assert_eq!(users[0].1, ["a"]);
        let back = engine.restore_version(who, &key, 0).await.unwrap();
        assert_eq!((back.tree.version, back.definition().nodes.len()), (2, 2));
        assert!(engine.missing(who).await.unwrap().is_empty());

        engine.delete_tree(who, &key).await.unwrap();
        let title = "Kinetic Task :: Group :: two";
        let restored = engine.restore_tree(who, title).await.unwrap();
        assert_eq!(restored.tree.id, back.tree.id);
        assert!(engine.restore_tree(who, title).await.is_err());
        engine.delete_tree(who, &key).await.unwrap();
        bench.tree("two", &["a system_noop_v1", "start -> a"]).await;
        let taken = engine.restore_tree(who, title).await.unwrap_err();
        assert!(taken.to_string().contains("exists already"), "{taken}");
        bench.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_keeps_its_tree_whatever_becomes_of_it() {
    for store in testkit::both().await {
        let bench = Bench::new(&store).await;
        let waits = ["d utilities_defer_v1", "a system_noop_v1", "start -> d", "d -> a"];
        bench.tree("kept", &waits).await;
        let before = bench.start("kept").await;
        let first = bench.until(before, &[RunState::Waiting]).await;
        // Another tree at the same path: what comes after the decision is another node.
        let other = ["d utilities_defer_v1", "b system_noop_v1", "start -> d", "d -> b"];
        bench.tree("kept", &other).await;
        let after = bench.start("kept").await;
        let second = bench.until(after, &[RunState::Waiting]).await;
        let key = TreeKey::Title("Kinetic Task :: Group :: kept".into());
        bench.engine.delete_tree(&bench.actor, &key).await.unwrap();
        let refused = bench.try_start("kept", "{}").await.unwrap_err();
        assert!(matches!(refused, workflows::Error::NotFound(_)), "{refused:?}");
        bench.crash().await;

        // Nor does a restart make it forget.
        let next = Bench::new(&store).await;
        for (waiting, run, trail_of) in [(first, before, "start d a"), (second, after, "start d b")]
        {
            next.engine.deliver(next.completion(&waiting.tasks[1].token)).await.unwrap();
            let done = next.until(run, &[RunState::Complete]).await;
            assert_eq!(trail(&done), trail_of);
        }
        next.crash().await;
    }
}
