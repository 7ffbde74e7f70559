//! What two `kubectl apply -k` make. The set-up of the installation waits for it; here is how it stands then.

use crate::installation::Installation;
use anyhow::Result;

#[test]
fn the_nodes_of_the_cluster_are_ready() -> Result<()> {
    let dev = Installation::dev()?;
    let ready = dev.kubectl().json_path(&["nodes"], "{.items[*].status.conditions[?(@.type=='Ready')].status}")?;
    assert_eq!(ready, "True");
    Ok(())
}

#[test]
fn the_kdc_is_ready_as_nobody_with_a_root_that_it_cannot_write() -> Result<()> {
    let dev = Installation::dev()?;
    let pod = ["pod", "kennel-kdc-0", "-n", "kennel-system"];
    let path = "{.status.containerStatuses[*].ready} {.spec.securityContext.runAsNonRoot} \
                {.spec.containers[*].securityContext.readOnlyRootFilesystem}";
    assert_eq!(dev.kubectl().json_path(&pod, path)?, "true true true");
    Ok(())
}

#[test]
fn the_kdc_keeps_its_store_on_the_volume_of_its_claim() -> Result<()> {
    let dev = Installation::dev()?;
    let claim = ["pvc", "data-kennel-kdc-0", "-n", "kennel-system"];
    assert_eq!(dev.kubectl().json_path(&claim, "{.status.phase} {.spec.volumeName}")?, "Bound kennel-data");
    Ok(())
}

#[test]
fn the_shops_deployments_are_ready_with_the_agent_beside_them() -> Result<()> {
    let dev = Installation::dev()?;
    for deployment in ["batch", "cart", "web"] {
        let pod = dev.pod_of(deployment)?;
        assert_eq!(ready_containers(&dev, &pod)?, format!("kennel-agent=true {deployment}=true"), "{pod}");
    }
    Ok(())
}

#[test]
fn the_pods_of_the_shops_statefulset_are_ready_with_the_agent_beside_them() -> Result<()> {
    let dev = Installation::dev()?;
    for pod in ["kafka-0", "kafka-1"] {
        assert_eq!(ready_containers(&dev, pod)?, "kennel-agent=true kafka=true", "{pod}");
    }
    Ok(())
}

fn ready_containers(dev: &Installation, pod: &str) -> Result<String> {
    let path = "{range .status.initContainerStatuses[*]}{.name}={.ready} {end}\
                {range .status.containerStatuses[*]}{.name}={.ready}{end}";
    dev.kubectl().json_path(&["pod", pod, "-n", "shop"], path)
}
