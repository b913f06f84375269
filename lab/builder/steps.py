# GPL-3.0-or-later
"""The lab's steps and how they hang together."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from . import debian, docker, gobuild
from .gobuild import GoPart
from .runner import LAB, Log, Step, StepError

VERSIONS = LAB.parent / "roles/platform/defaults/main/versions.yml"
PREFIX = "gitops-airflow-lab"  # of the images' names in Docker


class Lab:
    """All steps, made from parts.yml and the collection's versions.yml; products go below FOLDER."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.parts: dict[str, Any] = yaml.safe_load((LAB / "parts.yml").read_text())
        self.versions = _resolve_templates(yaml.safe_load(VERSIONS.read_text()))
        self.kubernetes = self.versions["platform_kubernetes_version"]
        self.node_image = self.versions["platform_kind_node_image"]
        self.archive = folder / "platform-images.tar"
        self.argocd_manifest = folder / "argocd-install.yaml"
        self.chart = folder / f"airflow-{self.versions['platform_airflow_chart_version']}.tgz"

        self.host_tools = Step("host tools", debian.install_host_tools, "network", made_from=debian.HOST_TOOLS)
        go_parts = {name: GoPart(**self._with_version(spec)) for name, spec in self.parts["go"].items()}
        self.fetched = {name: self._fetch(name, part) for name, part in go_parts.items()}
        self.compiled = {name: self._compile(name, part) for name, part in go_parts.items()}
        self.compiled["wait"] = self._compile_wait()
        self.base = self._debian("debian", self.parts["debian"]["base"])
        self.git = self._image("git", needs=[self.base])
        argocd_sources = self._argocd_sources(go_parts["argocd"])
        platform = self._platform_images(go_parts, argocd_sources)

        archive = self._archive(platform, argocd_sources)
        # Compilations first: they take longest.
        self.wanted = [*self.compiled.values(), archive, self._node(archive), argocd_sources]
        if (LAB / "chart").is_dir():
            self.wanted.append(self._chart())
        self.api_server = [self.compiled["kubernetes"], self.compiled["etcd"], argocd_sources]

    def variables(self) -> dict[str, Any]:
        """What the playbooks need to know of the lab."""
        return {
            "kind_cluster_kind_binary": str(self.program("kind")),
            "kind_cluster_node_image": self.node_image,
            "kind_cluster_image_archives": [{"path": str(self.archive), "images": sorted(self.public_names().values())}],
            "argocd_manifest": str(self.argocd_manifest),
            "airflow_app_chart_archive": str(self.chart),
        }

    def program(self, name: str) -> Path:
        return self.folder / "bin" / name

    # ---- Go programs

    def _with_version(self, spec: dict[str, Any]) -> dict[str, Any]:
        version = spec["version"]
        if version.startswith("="):
            # The value is a version, or an image whose tag is one.
            version = "v" + self.versions[version[1:]].rpartition(":")[2].removeprefix("v").partition("-")[0]
        return {**spec, "version": version}

    def _fetch(self, name: str, part: GoPart) -> Step:
        work = self.work / "go" / name
        return Step(
            name=f"fetch {name}",
            action=lambda log: gobuild.fetch(part, work, log),
            lane="network",
            made_from=asdict(part),
            files=[LAB / "builder/gobuild.py"],
            present=lambda key: (work / "go.sum").exists(),
        )

    def _compile(self, name: str, part: GoPart) -> Step:
        return Step(
            name=f"compile {name}",
            action=lambda log: gobuild.compile_part(part, self.work / "go" / name, self.folder / "bin", log),
            lane="compile",
            made_from=asdict(part),
            files=[LAB / "builder/gobuild.py"],
            needs=[self.fetched[name], self.host_tools] if part.cgo else [self.fetched[name]],
            present=lambda key: all(self.program(binary).exists() for binary in part.binaries),
        )

    def _compile_wait(self) -> Step:
        source = LAB / "node/wait.go"
        command = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(self.program("wait")), str(source)]
        return Step(
            name="compile wait",
            action=lambda log: _ignore(log.run(command, env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"})),
            lane="compile",
            files=[source],
            present=lambda key: self.program("wait").exists(),
        )

    # ---- images

    def _debian(self, name: str, suite: str) -> Step:
        image = f"{PREFIX}/{name}"
        mirror = self.parts["debian"]["mirror"]
        step = Step(
            name=f"image {name}",
            action=lambda log: debian.import_root(image, step.key, suite, mirror, self.work, log),
            lane="network",
            made_from=[suite, mirror],
            files=[LAB / "builder/debian.py", debian.RECIPE],
            needs=[self.host_tools],
            present=lambda key: docker.has_image(image, key),
        )
        return step

    def _image(
        self,
        name: str,
        needs: Sequence[Step],
        content: Mapping[str, Path] | None = None,
        arguments: Mapping[str, str] | None = None,
        prepare: Callable[[Path], None] = lambda folder: None,
        recipe: str = "",
    ) -> Step:
        """The image of lab/images/RECIPE (or NAME); CONTENT comes from the steps that it needs, PREPARE writes more into the context."""
        image = f"{PREFIX}/{name}"
        source = LAB / "images" / (recipe or name)

        def action(log: Log) -> None:
            extra = _empty(self.work / "extra" / name)
            prepare(extra)
            everything = [(".", source), (".", extra), *(content or {}).items()]
            docker.build(image, step.key, source / "Dockerfile", everything, self.work / "context" / name, log, arguments)

        step = Step(
            name=f"image {name}",
            action=action,
            lane="docker",
            made_from=dict(arguments or {}),
            files=[source],
            needs=needs,
            present=lambda key: docker.has_image(image, key),
        )
        return step

    def _program_image(self, name: str, program: str, part: str, entry: str, user: str = "0") -> Step:
        image = f"{PREFIX}/{name}"
        step = Step(
            name=f"image {name}",
            action=lambda log: docker.import_program(image, step.key, self.program(program), entry, user, self.work / "import" / name, log),
            lane="docker",
            made_from=[entry, user],
            needs=[self.compiled[part]],
            present=lambda key: docker.has_image(image, key),
        )
        return step

    # ---- the node

    def _node(self, platform_archive: Step) -> Step:
        """Node base -> containerd's store with all images, filled in a container of it -> the node image that kind starts."""
        names = {name: reference.format(kubernetes=self.kubernetes) for name, reference in self.parts["node_images"].items()}
        base = self._node_layers("image node-base", f"{PREFIX}/node-base", LAB / "node/base.Dockerfile", [self.base])
        filled = self._store(names, base, platform_archive)
        store = self._node_layers(
            "image node-store",
            f"{PREFIX}/node-store",
            LAB / "node/store.Dockerfile",
            [base, filled],
            {"store.tar": self.work / "store.tar"},
        )

        def written(folder: Path) -> None:
            for manifest in ("default-cni.yaml", "default-storage.yaml"):
                text = (LAB / "node/files" / manifest).read_text()
                text = text.replace("@TOOLS_IMAGE@", names["kube-proxy"]).replace("@PROVISIONER_IMAGE@", names["local-path-provisioner"])
                (folder / manifest).write_text(text)
            (folder / "version").write_text(self.kubernetes)

        content = {".": LAB / "node/files"} | {name: self.program(name) for name in ("kubelet", "kubeadm", "kubectl")}
        return self._node_layers(
            "node image", self.node_image, LAB / "node/Dockerfile", [store, self.compiled["kubernetes"]], content, written
        )

    def _node_layers(
        self,
        name: str,
        image: str,
        dockerfile: Path,
        needs: Sequence[Step],
        content: Mapping[str, Path] | None = None,
        prepare: Callable[[Path], None] = lambda folder: None,
    ) -> Step:
        def action(log: Log) -> None:
            extra = _empty(self.work / "extra" / name.replace(" ", "-"))
            prepare(extra)
            context = self.work / "context" / name.replace(" ", "-")
            docker.build(image, step.key, dockerfile, [*(content or {}).items(), (".", extra)], context, log)

        recipes = [path for path in (content or {}).values() if LAB in path.parents]
        step = Step(
            name,
            action,
            "docker",
            made_from=[image, self.parts["node_images"]],
            files=[dockerfile, *recipes],
            needs=needs,
            present=lambda key: docker.has_image(image, key),
        )
        return step

    def _store(self, names: Mapping[str, str], base: Step, platform_archive: Step) -> Step:
        """The store as a tar: Kubernetes' own images and the platform's."""
        sources = {name: name for name in ("etcd", "coredns", "local-path-provisioner")} | {"pause": "wait"}
        images = [
            self._program_image(name, sources.get(name, name), sources.get(name, "kubernetes"), name)
            for name in names
            if name != "kube-proxy"
        ]
        programs = {name: self.program(name) for name in ("kube-proxy", "kube-router")}
        layers = self._image("kube-proxy-layers", [self.base, self.compiled["kubernetes"], self.compiled["kube-router"]], programs)
        images.append(self._flat("kube-proxy", layers))
        store = self.work / "store.tar"
        fill = LAB / "node/fill-store"

        def action(log: Log) -> None:
            own = self.work / "node-images.tar"
            docker.save({f"{PREFIX}/{name}": reference for name, reference in names.items()}, own, log)
            out = _empty(self.work / "store")
            volumes = [f"{own}:/archives/node.tar:ro", f"{self.archive}:/archives/platform.tar:ro", f"{fill}:/fill-store:ro", f"{out}:/out"]
            mounts = [word for volume in [*volumes, "/var/lib/containerd"] for word in ("-v", volume)]
            log.run(["docker", "run", "--rm", "--privileged", *mounts, "--entrypoint", "/fill-store", f"{PREFIX}/node-base"])
            (out / "store.tar").rename(store)
            own.unlink()

        return Step(
            "node image store",
            action,
            "docker",
            made_from=names,
            files=[fill, LAB / "builder/docker.py"],
            needs=[base, *images, platform_archive],
            present=lambda key: store.exists(),
        )

    def _flat(self, name: str, source: Step) -> Step:
        image = f"{PREFIX}/{name}"
        step = Step(
            name=f"image {name}",
            action=lambda log: docker.flatten(
                image, step.key, f"{PREFIX}/{source.name.removeprefix('image ')}", self.work / "flat" / name, log
            ),
            lane="docker",
            needs=[source],
            present=lambda key: docker.has_image(image, key),
        )
        return step

    # ---- the platform

    def _argocd_sources(self, part: GoPart) -> Step:
        """Argo CD's install manifest and the scripts of its image, out of its module."""
        scripts = self.work / "argocd"
        names = ("entrypoint.sh", "hack/gpg-wrapper.sh", "hack/git-verify-wrapper.sh")

        def action(log: Log) -> None:
            source = gobuild.module_folder(part, log)
            scripts.mkdir(parents=True, exist_ok=True)
            for name in names:
                _copy(source / name, scripts / Path(name).name, 0o755)
            _copy(source / "manifests/install.yaml", self.argocd_manifest, 0o644)

        return Step(
            "argocd manifest",
            action,
            "network",
            made_from=names,
            needs=[self.fetched["argocd"]],
            present=lambda key: self.argocd_manifest.exists() and scripts.exists(),
        )

    def _gitea_sources(self, part: GoPart) -> Step:
        """Gitea's templates and the start-up scripts of its rootless image, out of its module."""
        target = self.work / "gitea"

        def action(log: Log) -> None:
            source = gobuild.module_folder(part, log)
            app = _empty(target) / "app"
            app.mkdir()
            for folder in ("templates", "options", "public"):
                log.run(["cp", "-r", "--no-preserve=mode", source / folder, app / folder])
            log.run(["cp", "-r", "--no-preserve=mode", source / "docker/rootless", target / "rootless"])
            for script in (target / "rootless/usr/local/bin").iterdir():
                script.chmod(0o755)

        return Step("gitea files", action, "network", needs=[self.fetched["gitea"]], present=lambda key: target.exists())

    def _platform_images(self, go_parts: Mapping[str, GoPart], argocd_sources: Step) -> list[Step]:
        argocd_content = {name: self.program(name) for name in ("argocd", "helm")} | {
            name: self.work / "argocd" / name for name in ("entrypoint.sh", "gpg-wrapper.sh", "git-verify-wrapper.sh")
        }
        gitea_content = {
            "app": self.work / "gitea/app",
            "app/gitea": self.program("gitea"),
            "rootless": self.work / "gitea/rootless",
        }
        sid = self._debian("debian-sid", self.parts["debian"]["mysql"])
        return [
            *self._airflow_images(),
            self._image("mysql", [self.base, sid]),
            self._image("git-sync", [self.git]),
            self._image("redis", [self.base]),
            self._program_image("dex", "wait", "wait", "dex", user="1001:1001"),
            self._program_image("metrics-server", "metrics-server", "metrics-server", "metrics-server", user="1000:1000"),
            self._program_image("versitygw", "versitygw", "versitygw", "versitygw", user="1000:1000"),
            self._image("argocd", [self.git, self.compiled["argocd"], self.compiled["helm"], argocd_sources], argocd_content),
            self._image("gitea", [self.git, self.compiled["gitea"], self._gitea_sources(go_parts["gitea"])], gitea_content),
        ]

    def _airflow_images(self) -> list[Step]:
        """One image of each release."""
        airflow = self.parts["airflow"]
        if (wanted := self.versions["platform_airflow_version"]) not in airflow["releases"]:
            raise StepError(
                f"platform_airflow_version is {wanted}, of which lab/parts.yml has no release. Next: add it there, with its day."
            )

        def files(folder: Path) -> None:
            shutil.copy("/etc/ssl/certs/ca-certificates.crt", folder / "ca-certificates.crt")

        return [
            self._image(
                f"airflow-{release}",
                [self.base],
                arguments={
                    "UV_VERSION": airflow["uv"],
                    "EXCLUDE_NEWER": date,
                    "REQUIREMENTS": " ".join(line.format(version=release) for line in airflow["requirements"]),
                },
                prepare=files,
                recipe="airflow",
            )
            for release, date in airflow["releases"].items()
        ]

    def public_names(self) -> dict[str, str]:
        """Image in Docker -> its name in the archive, as containerd writes it. Argo CD's manifest says which redis and dex it wants."""
        wanted = set(re.findall(r"image: (\S+)", self.argocd_manifest.read_text()))
        names = {name: next(image for image in wanted if f"{name}:" in image.rpartition("/")[2]) for name in ("argocd", "redis", "dex")}
        for name in ("git_sync", "mysql", "gitea", "metrics_server", "versitygw"):
            names[name.replace("_", "-")] = self.versions[f"platform_{name}_image"]
        airflow = self.versions["platform_airflow_image"]
        for release in self.parts["airflow"]["releases"]:
            names[f"airflow-{release}"] = airflow.replace(self.versions["platform_airflow_version"], release)
        return {f"{PREFIX}/{name}": _canonical(reference) for name, reference in names.items()}

    def _archive(self, images: Sequence[Step], argocd_sources: Step) -> Step:
        return Step(
            "platform image archive",
            lambda log: docker.save(self.public_names(), self.archive, log),
            "docker",
            made_from={name: value for name, value in self.versions.items() if name.endswith("_image")},
            files=[LAB / "builder/docker.py"],
            needs=[*images, argocd_sources],
            present=lambda key: self.archive.exists(),
        )

    def _chart(self) -> Step:
        command = [str(self.program("helm")), "package", str(LAB / "chart"), "--destination", str(self.folder)]
        return Step(
            "chart double",
            lambda log: _ignore(log.run(command)),
            "docker",
            files=[LAB / "chart"],
            needs=[self.compiled["helm"]],
            present=lambda key: self.chart.exists(),
        )


def _resolve_templates(values: dict[str, Any]) -> dict[str, str]:
    """The plain "{{ name }}" references of versions.yml. An image is the published one, whatever registry has a mirror of it."""
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    texts |= {f"platform_{name}_image": value for name, value in values["platform_published_images"].items()}
    return {name: re.sub(r"\{\{ (\w+) \}\}", lambda found: texts[found[1]], value) for name, value in texts.items()}


def _canonical(reference: str) -> str:
    """Image name with its registry, as containerd writes it."""
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return reference
    return f"docker.io/{reference}" if slash else f"docker.io/library/{reference}"


def _copy(source: Path, target: Path, mode: int) -> None:
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def _empty(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def _ignore(_: str) -> None:
    """For actions whose command's output is of no interest."""
