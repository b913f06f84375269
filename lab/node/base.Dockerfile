# What a node is made of, besides Kubernetes: systemd with no more than it needs, containerd, tools that kubelet and kubeadm call.
FROM gitops-airflow-lab/debian
RUN install-packages systemd systemd-sysv dbus containerd runc iptables iproute2 kmod conntrack ethtool socat jq \
      containernetworking-plugins mount procps psmisc ca-certificates \
 && rm -f /lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/* /lib/systemd/system/local-fs.target.wants/* \
      /lib/systemd/system/sockets.target.wants/*udev* /lib/systemd/system/sockets.target.wants/*initctl* \
      /lib/systemd/system/basic.target.wants/* /lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service \
 && ln -sf /dev/null /etc/systemd/system/systemd-binfmt.service \
 && mkdir -p /etc/systemd/system/multi-user.target.wants /etc/kubernetes/manifests /etc/cni/net.d \
 && rm -rf /etc/cni/net.d/* \
 && ln -s /lib/systemd/system/containerd.service /etc/systemd/system/multi-user.target.wants/
