//! Trees as clients keep them: returned as sent, converted, versioned, guarded.

use crate::bench::{Bench, tree_json};
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
