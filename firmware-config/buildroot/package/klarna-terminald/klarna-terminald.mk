################################################################################
#
# klarna-terminald
#
################################################################################

KLARNA_TERMINALD_VERSION = $(call qstrip,$(BR2_PACKAGE_KLARNA_TERMINALD_COMMIT))
KLARNA_TERMINALD_SITE = $(call qstrip,$(BR2_PACKAGE_KLARNA_TERMINALD_REPOSITORY))
KLARNA_TERMINALD_SITE_METHOD = git
KLARNA_TERMINALD_LICENSE = MIT or Apache-2.0, OFL-1.1 (font)
KLARNA_TERMINALD_LICENSE_FILES = LICENSE src/display/font/OFL.txt

# See the .hash file.
BR_NO_CHECK_HASH_FOR += $(KLARNA_TERMINALD_SOURCE)

# Buildroot sets CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=false, which the profile "firmware" would
# inherit. Amounts of money are computed here: an overflow must stop, never wrap.
#
# And it puts a .cargo/config of its own in the place of the repository's, so what that says of SQLite
# is repeated (firmware-config/check compares the two).
KLARNA_TERMINALD_CARGO_ENV = \
	CARGO_PROFILE_FIRMWARE_OVERFLOW_CHECKS=true \
	LIBSQLITE3_FLAGS="-USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 -USQLITE_ENABLE_RTREE -USQLITE_ENABLE_DBSTAT_VTAB -USQLITE_ENABLE_STAT4 -USQLITE_ENABLE_LOAD_EXTENSION -DSQLITE_OMIT_LOAD_EXTENSION -USQLITE_SOUNDEX -USQLITE_ENABLE_API_ARMOR -USQLITE_ENABLE_COLUMN_METADATA -USQLITE_ENABLE_MEMORY_MANAGEMENT -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_TRACE -DSQLITE_OMIT_DECLTYPE -DSQLITE_OMIT_DATETIME_FUNCS -DSQLITE_OMIT_DESERIALIZE -DSQLITE_OMIT_AUTOVACUUM -DSQLITE_OMIT_COMPILEOPTION_DIAGS -DSQLITE_OMIT_GET_TABLE -DSQLITE_UNTESTABLE"

# No simulator in a firmware; panels through DRM.
KLARNA_TERMINALD_CARGO_BUILD_OPTS = \
	--profile firmware \
	--no-default-features \
	--features drm,push

# Commands of our own, because the infrastructure's pass --release, beside which cargo takes no
# --profile, and install with a second, different build.
define KLARNA_TERMINALD_BUILD_CMDS
	cd $(@D) && \
	$(TARGET_MAKE_ENV) \
		$(TARGET_CONFIGURE_OPTS) \
		$(PKG_CARGO_ENV) \
		$(KLARNA_TERMINALD_CARGO_ENV) \
		cargo build \
			--offline \
			--locked \
			--manifest-path Cargo.toml \
			$(KLARNA_TERMINALD_CARGO_BUILD_OPTS)
endef

KLARNA_TERMINALD_CLASS = $(call qstrip,$(BR2_PACKAGE_KLARNA_TERMINALD_CLASS))

define KLARNA_TERMINALD_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/target/$(RUSTC_TARGET_NAME)/firmware/klarna-terminald \
		$(TARGET_DIR)/usr/bin/klarna-terminald
	$(INSTALL) -D -m 0644 $(@D)/firmware-config/udev/60-klarna-terminald.rules \
		$(TARGET_DIR)/usr/lib/udev/rules.d/60-klarna-terminald.rules
	$(INSTALL) -D -m 0644 $(@D)/firmware-config/$(KLARNA_TERMINALD_CLASS).toml \
		$(TARGET_DIR)/usr/share/klarna-terminald/terminal.toml
	$(KLARNA_TERMINALD_INSTALL_RAUC)
endef

ifeq ($(BR2_PACKAGE_KLARNA_TERMINALD_RAUC),y)
define KLARNA_TERMINALD_INSTALL_RAUC
	$(INSTALL) -D -m 0755 $(@D)/firmware-config/rauc/ready \
		$(TARGET_DIR)/usr/lib/klarna-terminald/ready
	$(INSTALL) -D -m 0755 $(@D)/firmware-config/rauc/reboot-when-ready \
		$(TARGET_DIR)/usr/lib/klarna-terminald/reboot-when-ready
	$(INSTALL) -D -m 0755 $(@D)/firmware-config/rauc/slot-is-good \
		$(TARGET_DIR)/usr/lib/klarna-terminald/slot-is-good
	$(INSTALL) -D -m 0644 $(@D)/firmware-config/rauc/klarna-terminald-slot-is-good.service \
		$(TARGET_DIR)/usr/lib/systemd/system/klarna-terminald-slot-is-good.service
endef
endif

# Buildroot enables every unit that is installed ("systemctl preset-all").
define KLARNA_TERMINALD_INSTALL_INIT_SYSTEMD
	$(foreach unit,$(notdir $(wildcard $(@D)/systemd/*.service $(@D)/systemd/*.timer \
			$(@D)/systemd/*.path)),
		$(INSTALL) -D -m 0644 $(@D)/systemd/$(unit) \
			$(TARGET_DIR)/usr/lib/systemd/system/$(unit)
	)
	$(INSTALL) -D -m 0644 $(@D)/systemd/klarna-terminald.tmpfiles \
		$(TARGET_DIR)/usr/lib/tmpfiles.d/klarna-terminald.conf
	$(INSTALL) -D -m 0644 $(@D)/systemd/klarna-terminald.sysusers \
		$(TARGET_DIR)/usr/lib/sysusers.d/klarna-terminald.conf
	$(INSTALL) -D -m 0644 $(@D)/systemd/journald/klarna-terminald.conf \
		$(TARGET_DIR)/usr/lib/systemd/journald.conf.d/klarna-terminald.conf
endef

# A fixed id: the data partition outlives the image, and its files belong to this number in both
# slots and in every later build. sysusers finds the user there and leaves it alone.
define KLARNA_TERMINALD_USERS
	klarna-terminald 907 klarna-terminald 907 * - - dialout,video,input Klarna payment terminal
endef

ifeq ($(BR2_PACKAGE_KLARNA_TERMINALD)$(BR_BUILDING),yy)
ifeq ($(KLARNA_TERMINALD_SITE),)
$(error BR2_PACKAGE_KLARNA_TERMINALD_REPOSITORY is empty: say where the source is)
endif
ifneq ($(shell printf '%s' '$(KLARNA_TERMINALD_VERSION)' | grep -cE '^[0-9a-f]{40}$$'),1)
$(error BR2_PACKAGE_KLARNA_TERMINALD_COMMIT is no full commit id: 40 hex digits are needed)
endif
endif

$(eval $(cargo-package))
