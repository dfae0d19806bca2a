include $(sort $(wildcard $(BR2_EXTERNAL_KLARNA_TERMINALD_PATH)/package/*/*.mk))
